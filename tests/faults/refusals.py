"""A database that refuses some calls, as MongoDB does: between the repository and a real driver."""

from pymongo.errors import AutoReconnect, BulkWriteError, OperationFailure


def not_allowed(*_):
    """The user lacks the right."""
    raise OperationFailure("not authorized on fmcsa to execute command", 13)


def disk_full(*_):
    """Told of each operation of a bulk, as if it were the document's fault."""
    raise BulkWriteError(
        {"writeErrors": [{"index": 0, "code": 14031, "errmsg": "available disk space is too small"}], "nMatched": 0}
    )


def gone(*_):
    """The connection breaks, and the driver's own retry has not helped."""
    raise AutoReconnect("connection closed")


def refuses(error, collection, *methods):
    """These calls on this collection; on any, where it is None."""

    def refuse(name, method, _):
        if method in methods and collection in {None, name}:
            error()

    return refuse


def refuses_after_rows(error):
    """Everything from the first company's status on, once rows have been written."""
    written = []

    def refuse(name, method, _):
        if method == "bulk_write" and name not in {"companies", "fmcsaLeases"}:
            written.append(name)
        elif written:
            error()

    return refuse


class RefusingDatabase:
    """Hands everything to the database, but asks `refuse(collection, method, arguments)` first, which may raise."""

    def __init__(self, database, refuse):
        self._database = database
        self._refuse = refuse

    def __getattr__(self, name):
        return getattr(self._database, name)

    def get_collection(self, name, **options):
        return _Collection(self._database.get_collection(name, **options), self._refuse)


class _Collection:
    def __init__(self, collection, refuse):
        self.collection = collection
        self._refuse = refuse

    def __getattr__(self, method):
        call = getattr(self.collection, method)
        if method not in {"create_index", "update_one", "bulk_write", "insert_one"}:
            return call

        async def asked(*arguments, **options):
            self._refuse(self.collection.name, method, arguments)
            return await call(*arguments, **options)

        return asked


class OneRefused(RefusingDatabase):
    """The validator of a collection refuses one operation of a bulk, the first that is such; the others are written."""

    def __init__(self, database, collection, is_such):
        super().__init__(database, lambda *_: None)
        self._name = collection
        self._is_such = is_such

    def get_collection(self, name, **options):
        found = super().get_collection(name, **options)
        if name != self._name:
            return found

        async def bulk_write(operations, **rest):
            index = next((index for index, operation in enumerate(operations) if self._is_such(operation)), None)
            others = [operation for place, operation in enumerate(operations) if place != index]
            answer = await found.collection.bulk_write(others, **rest) if others else None
            if index is None:
                return answer
            fault = {"index": index, "code": 121, "errmsg": "Document failed validation"}
            raise BulkWriteError({"writeErrors": [fault], "nMatched": answer.matched_count if answer else 0})

        found.bulk_write = bulk_write
        return found
