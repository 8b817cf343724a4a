"""A database that refuses some calls, as MongoDB does: between the repository and a real driver."""

from pymongo.errors import AutoReconnect, BulkWriteError, OperationFailure, WriteError


def not_allowed(*_):
    """The user lacks the right."""
    raise OperationFailure("not authorized on fmcsa to execute command", 13)


def invalid(*_):
    """The collection's validator refuses the document."""
    raise WriteError("Document failed validation", 121)


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
        if method == "bulk_write":
            written.append(name)
        elif written:
            error()

    return refuse


def refuses_company(error, company_id):
    """Every change of one company's document."""

    def refuse(name, method, arguments):
        if name == "companies" and method == "update_one" and arguments[0].get("_id") == company_id:
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


class OneRowRefused(RefusingDatabase):
    """The validator of a row collection refuses the first row of every bulk; the others are written."""

    def __init__(self, database, collection):
        super().__init__(database, lambda *_: None)
        self._name = collection

    def get_collection(self, name, **options):
        found = super().get_collection(name, **options)
        if name != self._name:
            return found

        async def bulk_write(operations, **rest):
            if operations[1:]:
                await found.collection.bulk_write(operations[1:], **rest)
            raise BulkWriteError({"writeErrors": [{"index": 0, "code": 121, "errmsg": "Document failed validation"}]})

        found.bulk_write = bulk_write
        return found
