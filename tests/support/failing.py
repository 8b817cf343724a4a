"""A MongoDB database of which one call fails: before the server has heard of it, or when it has done what was asked."""

from inspect import isawaitable

from pymongo.errors import AutoReconnect

_CALLS = set(
    "command find find_one insert_one update_one bulk_write count_documents index_information create_index drop_index".split()
)


class Failing:
    """Stands before a database or a collection; they count their calls together."""

    def __init__(self, inner, plan):
        self._inner = inner
        self._plan = plan

    def __getattr__(self, name):
        attribute = getattr(self._inner, name)
        if name == "get_collection":
            return lambda *args, **options: Failing(attribute(*args, **options), self._plan)
        if name not in _CALLS:
            return attribute
        return self._plan.around(name, attribute)


class Plan:
    """Which call fails: number `at`, counted from 0; `lasting` makes all fail that come after."""

    def __init__(self, at, *, done_first=False, lasting=False):
        self.calls = []
        self.is_over = False
        self._at = at
        self._done_first = done_first
        self._lasting = lasting

    @property
    def has_failed(self):
        return len(self.calls) > self._at

    def around(self, name, method):
        if name == "find":
            return lambda *args, **options: self._find(method, args, options)

        async def call(*args, **options):
            is_failing = self._count(name)
            if is_failing and not self._done_first:
                raise AutoReconnect("made up: no answer")
            answer = method(*args, **options)
            answer = await answer if isawaitable(answer) else answer
            if is_failing:
                raise AutoReconnect("made up: the answer was lost")
            return answer

        return call

    def _find(self, method, args, options):
        if self._count("find"):
            raise AutoReconnect("made up: no answer")
        return method(*args, **options)

    def _count(self, name):
        number = len(self.calls)
        self.calls.append(name)
        return not self.is_over and (number == self._at or (self._lasting and number > self._at))
