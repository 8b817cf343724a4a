"""Sources that are bad in one way each, and the check of the kit that has to find it."""

import asyncio
import logging
from contextlib import suppress
from datetime import date
from decimal import Decimal

import aiohttp
import pytest

from fmcsa_orchestrator import (
    Document,
    MalformedPayloadError,
    Outcome,
    RequestRejectedError,
    SettingsError,
    SourceReport,
    SourceUnavailableError,
)
from tests.support.driver_source import KEY, KNOWN, PAGE, DriverSource, WithoutBatches
from tests.support.passing_time import PATIENCE_S

BAD = []


def caught_by(check, *args, saying, error=AssertionError):
    """Puts a bad source into the table, with the check that has to find it."""

    def add(source):
        BAD.append(pytest.param(source, check, args, saying, error, id=f"{source.__name__}-{check}"))
        return source

    return add


async def for_ever():
    """Wait until everybody's patience is over: it is at once, by the event loop's time."""
    loop = asyncio.get_running_loop()
    now = loop.time
    loop.time = lambda: now() + PATIENCE_S
    await asyncio.Event().wait()


@caught_by("declares_itself", saying="letters, digits and underscores", error=SettingsError)
class HasNoName(DriverSource):
    name = "9 lives"


@caught_by("declares_itself", saying="is the library's", error=SettingsError)
class OwnsTheStatus(DriverSource):
    owns = ("fmcsaData",)
    derives = ()


@caught_by("declares_itself", saying="declares batch_size as 0", error=SettingsError)
class HasEmptyBatches(DriverSource):
    batch_size = 0


@caught_by("declares_itself", saying="needs batch_size and version")
class HasHalfOfABatchSource(WithoutBatches):
    async def fetch_many(self, companies):
        return {}


@caught_by("gives_reports", saying="fetch gave a dict")
class GivesDicts(DriverSource):
    def report(self, rows):
        return {"drivers.total": len(rows)}


@caught_by("gives_reports", saying="a list, not a mapping")
class GivesAList(DriverSource):
    async def fetch_many(self, companies):
        return [await self.fetch(company) for company in companies]


@caught_by("gives_reports", saying="not asked for")
class GivesStrangers(DriverSource):
    async def fetch_many(self, companies):
        return {1: SourceReport()}


@caught_by("gives_reports", saying="gave a NoneType for a company")
class GivesNoneInABatch(DriverSource):
    async def fetch_many(self, companies):
        return dict.fromkeys(company.usdot for company in companies)


@caught_by("gives_reports", saying="version gave a int")
class CountsVersions(DriverSource):
    async def version(self):
        return 7


@caught_by("gives_reports", saying="does not say the outcome")
class SaysFailed(DriverSource):
    def report(self, rows):
        return SourceReport(outcome=Outcome.FAILED)


@caught_by("gives_reports", saying="raised KeyError, which is no SourceError")
@caught_by("tells_nothing_on_record_from_not_known", saying="raised KeyError")
class StumblesOverStrangers(DriverSource):
    def report(self, rows):
        if not rows:
            raise KeyError("drivers")
        return super().report(rows)


@caught_by("writes_only_what_it_owns", saying="which it does not own")
class WritesElsewhere(DriverSource):
    def report(self, rows):
        return SourceReport(fields={"drivers.total": 1}, stamps={"safety.rating": "A"})


@caught_by("writes_only_what_it_owns", saying="drivers.since holds a date, which MongoDB does not take")
class GivesDates(DriverSource):
    def report(self, rows):
        return SourceReport(fields={"drivers.since": [{"first": date(2026, 11, 2)}]})


@caught_by("writes_only_what_it_owns", saying="the row 7-0 holds a Decimal")
class GivesDecimals(DriverSource):
    def report(self, rows):
        return SourceReport(documents=[Document(row["licence"], {"fee": Decimal("1.5")}) for row in rows])


@caught_by("writes_only_what_it_owns", saying="drivers.byNumber holds a key that is no text")
class GivesNumberedKeys(DriverSource):
    def report(self, rows):
        return SourceReport(fields={"drivers.byNumber": {1: "A"}})


@caught_by("writes_only_what_it_owns", saying="two rows have the id")
class NumbersRowsAlike(DriverSource):
    def report(self, rows):
        return SourceReport(documents=[Document(row["state"], row) for row in rows])


@caught_by("writes_only_what_it_owns", saying="may not have a field hash")
class UsesOurNames(DriverSource):
    def report(self, rows):
        return SourceReport(documents=[Document(row["licence"], {"hash": 1}) for row in rows])


@caught_by("passes_on_a_cancellation", "fetch", saying="fetch, cancelled at await 1, does not end in CancelledError: None")
class SwallowsCancellation(DriverSource):
    async def get(self, path, **params):
        with suppress(asyncio.CancelledError):
            return await super().get(path, **params)
        return []


@caught_by("passes_on_a_cancellation", "fetch", saying="does not end in CancelledError")
@caught_by("passes_on_a_cancellation", "version", saying="does not end in CancelledError")
class CallsCancellationAFault(DriverSource):
    async def get(self, path, **params):
        try:
            return await super().get(path, **params)
        except asyncio.CancelledError as error:
            raise SourceUnavailableError("interrupted") from error


@caught_by("passes_on_a_cancellation", "fetch_many", saying=r"await [2-9], does not end in CancelledError")
class SwallowsCancellationInTheBody(DriverSource):
    async def body(self, response):
        try:
            return await super().body(response)
        except asyncio.CancelledError:
            return []


@caught_by("passes_on_a_cancellation", "fetch", saying="await 1, leaves running: .*forget_me_not")
class LeavesATask(DriverSource):
    async def get(self, path, **params):
        async def forget_me_not():
            await asyncio.Event().wait()

        self.task = asyncio.create_task(forget_me_not())
        found = await super().get(path, **params)
        self.task.cancel()
        return found


@caught_by("passes_on_a_cancellation", "fetch", saying="await 1, leaves a source that answers otherwise")
class KeepsItsLock(DriverSource):
    locked = False

    async def rows(self, company):
        if self.locked:
            return []
        self.locked = True
        rows = await super().rows(company)
        self.locked = False
        return rows


@caught_by("gives_up_in_time", saying=f"did not end within {PATIENCE_S} s of its timeout")
@caught_by("passes_on_a_cancellation", "fetch", saying="await 1, leaves running: ")
class CannotBeStopped(DriverSource):
    async def get(self, path, **params):
        try:
            return await super().get(path, **params)
        except asyncio.CancelledError:
            await for_ever()


@caught_by("gives_reports", saying=f"fetch took longer than {PATIENCE_S} s")
class WaitsForEver(DriverSource):
    async def fetch(self, company):
        await for_ever()


@caught_by("gives_up_in_time", saying="nor called it a timeout")
class IsBlindToTime(DriverSource):
    async def get(self, path, **params):
        try:
            async with asyncio.timeout(0.001):
                return await super().get(path, **params)
        except TimeoutError:
            raise SourceUnavailableError("something") from None


@caught_by("tells_a_fault", "503", saying="fetch under status 503 gave a report that says nothing is on record")
@caught_by("tells_a_fault", "reset", saying="nothing is on record")
class TakesFaultsForNothing(DriverSource):
    async def get(self, path, **params):
        try:
            return await super().get(path, **params)
        except SourceUnavailableError:
            return []


@caught_by("tells_a_fault", "429", saying="'rejected', not rate_limited")
@caught_by("tells_a_fault", "429-pause", saying="'rejected', not rate_limited")
class KnowsOneRefusal(DriverSource):
    def refusal(self, status):
        return RequestRejectedError("refused")


@caught_by("tells_a_fault", "html", saying="raised ContentTypeError, which is no SourceError")
@caught_by("tells_a_fault", "truncated", saying="raised JSONDecodeError")
@caught_by("tells_a_fault", "reset", saying="raised Client")
class TranslatesNothing(DriverSource):
    async def get(self, path, **params):
        async with self.session.get(self.url + path, params=params, headers={"X-Key": KEY}) as response:
            return await response.json()


@caught_by("tells_a_fault", "not-an-array", saying="says nothing is on record")
class TakesAnObjectForNoRows(DriverSource):
    def checked(self, page):
        return page if isinstance(page, list) else []


@caught_by("tells_a_fault_on_a_later_page", saying="after the first answer, gave a report that says all is well")
class StopsAtABrokenPage(DriverSource):
    async def get(self, path, **params):
        try:
            return await super().get(path, **params)
        except (SourceUnavailableError, MalformedPayloadError):
            if params.get("page", "0") == "0":
                raise
            return []


@caught_by("recovers_from_a_fault", saying="after [a-z0-9 ]+ the source answers otherwise")
class RemembersItsFailure(DriverSource):
    failure = None

    async def get(self, path, **params):
        if self.failure:
            raise self.failure
        try:
            return await super().get(path, **params)
        except SourceUnavailableError as error:
            self.failure = error
            raise


@caught_by("names_a_column_that_is_gone", saying="missing column licence gave a report that says all is well")
@caught_by("names_a_column_of_another_type", saying="bad value in licence gave a report that says all is well")
class TakesAnything(DriverSource):
    def checked(self, page):
        return page

    def report(self, rows):
        documents = [Document(str(number), row) for number, row in enumerate(rows)]
        return SourceReport(outcome=Outcome.CHANGED if rows else Outcome.NOT_FOUND, documents=documents)


@caught_by("names_a_column_that_is_gone", saying="names None")
class NamesNoColumn(DriverSource):
    def checked(self, page):
        try:
            return super().checked(page)
        except MalformedPayloadError as error:
            raise MalformedPayloadError(str(error)) from None


@caught_by("keeps_its_secrets", saying="a secret shows in an error under status 400: .*<the secret>")
class TellsItsKey(DriverSource):
    def refusal(self, status):
        return RequestRejectedError(f"refused {KEY}")


@caught_by("keeps_its_secrets", saying="a secret shows in an error under status 400")
class RepeatsUpstream(DriverSource):
    async def body(self, response):
        if response.status == 400:
            raise RequestRejectedError(await response.text())
        return await super().body(response)


@caught_by("keeps_its_secrets", saying="a secret shows in an error under status 400")
class HidesItsKeyInACause(DriverSource):
    async def body(self, response):
        try:
            response.raise_for_status()
        except aiohttp.ClientResponseError as error:
            raise self.refusal(response.status) from error
        return await super().body(response)


@caught_by("keeps_its_secrets", saying="a secret shows in the log under no fault")
class LogsItsKey(DriverSource):
    async def get(self, path, **params):
        logging.getLogger("drivers").debug("get %s", path, extra={"headers": {"X-Key": KEY}})
        return await super().get(path, **params)


@caught_by("keeps_its_secrets", saying="a secret shows in an answer under no fault")
class ReportsItsKey(DriverSource):
    def report(self, rows):
        return SourceReport(fields={"drivers.url": f"https://drivers.test?key={KEY}"})


@caught_by("reads_every_page", saying="fetch gave 10 rows where upstream has 25")
class ReadsOnePage(DriverSource):
    async def rows(self, company):
        return await self.get("/drivers", dot=str(company.usdot), page="0")


@caught_by("reads_every_page", saying="fetch gave 28 rows where upstream has 25")
class ReadsRowsTwice(DriverSource):
    async def rows(self, company):
        rows = await super().rows(company)
        return rows + rows[:3]


@caught_by("reads_every_page", saying="two rows have the id")
class ReadsOnePageAgain(DriverSource):
    async def rows(self, company):
        rows = await super().rows(company)
        return rows[:PAGE] + rows[: len(rows) - PAGE]


@caught_by("says_the_same_again", saying="differ in the field drivers.total: 1 and 2")
class CountsCalls(DriverSource):
    calls = 0

    def report(self, rows):
        self.calls += 1
        return SourceReport(fields={"drivers.total": self.calls})


@caught_by("says_the_same_again", saying="differ in the row 7-0")
class NumbersByChance(DriverSource):
    turn = 0

    def report(self, rows):
        self.turn += 1
        return SourceReport(
            documents=[Document(row["licence"], {"n": number * self.turn + self.turn}) for number, row in enumerate(rows)]
        )


@caught_by("says_the_same_of_one_and_of_many", saying="differ for 7 in the number of rows: 3 and 0")
class DependsOnTheOrder(DriverSource):
    async def fetch_many(self, companies):
        found = await super().fetch_many(companies)
        if companies[0] != KNOWN:
            found[KNOWN.usdot] = SourceReport(fields={"drivers.total": 0})
        return found


@caught_by("tells_nothing_on_record_from_not_known", saying="fetch gave no report of nothing")
class KnowsEverybody(DriverSource):
    def report(self, rows):
        return SourceReport(fields={"drivers.total": len(rows)})


@caught_by("tells_nothing_on_record_from_not_known", saying="nothing on record of the known company")
class KnowsNobody(DriverSource):
    def report(self, rows):
        return SourceReport(outcome=Outcome.NOT_FOUND)
