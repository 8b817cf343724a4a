"""Whatever a receiver does, and wherever we die: nothing is lost, nothing of a company comes out of order, doubles only by id."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fmcsa_orchestrator.delivery.channel import ACCEPTED, Verdict
from fmcsa_orchestrator.delivery.delivery import Delivery
from fmcsa_orchestrator.model.carrier_events import Severity
from fmcsa_orchestrator.model.subscriber import SubscriberState
from tests.support.deliveries import Deliveries, FlakyReceiver, MortalStore, event
from tests.support.passing_time import until

OUTCOMES = st.lists(st.sampled_from(["ok", "ok", "ok", "down", "bad", "unheard", "killed"]), max_size=40)


@given(
    parts=st.lists(st.lists(st.sampled_from("abcd"), max_size=25), min_size=1, max_size=4),
    outcomes=OUTCOMES,
    parallel=st.integers(1, 6),
)
def test_nothing_is_lost_nothing_overtakes_and_doubles_have_one_id(parts, outcomes, parallel):
    asyncio.run(_deliver_all(parts, outcomes, parallel))


async def _deliver_all(parts, outcomes, parallel):
    store = MortalStore()
    receiver = FlakyReceiver(outcomes, store=store, parallel=parallel)
    world = Deliveries({"r": receiver}, store=store)
    await world.subscribe("r")
    companies, number = {}, 0
    for part in [*parts, *[[]] * (len(outcomes) + 1)]:
        documents = []
        for company in part:
            documents.append(event(number, company=company))
            companies[documents[-1]["id"]] = company
            number += 1
        await world.log.append(documents)
        await world.deliver()
        store.dead = False
        world.clock.pass_by(hours=2)
    expected = [document["id"] for document in world.log.events]
    assert sorted(receiver.received) == sorted(expected)
    for company in "abcd":
        assert of(receiver.received, companies, company) == of(expected, companies, company)
    assert (await world.stored("r")).cursor == await world.log.last()


def of(ids, companies, company):
    return [key for key in ids if companies[key] == company]


async def test_what_is_refused_holds_up_its_company_and_nobody_else():
    receiver = FlakyReceiver(["bad"], parallel=1)
    world = Deliveries({"r": receiver})
    await world.subscribe("r")
    await world.log.append([event(1, company="a"), event(2, company="a"), event(3, company="b")])
    summary = await world.deliver()
    ids = [document["id"] for document in world.log.events]
    assert (receiver.received, summary.subscribers["r"].accepted, summary.exit_status) == ([ids[2]], 1, 1)
    stored = await world.stored("r")
    assert (stored.cursor, stored.ahead, stored.attempts) == (0, (world.log.events[2]["_id"],), 1)
    world.clock.pass_by(minutes=1)
    assert (await world.deliver()).success
    assert receiver.received == [ids[2], ids[0], ids[1]]
    assert receiver.sent == 4


async def test_a_receiver_that_is_down_is_asked_once_and_holds_up_no_other():
    down, fine = FlakyReceiver(["down"] * 50, parallel=1), FlakyReceiver()
    world = Deliveries({"down": down, "fine": fine})
    await world.subscribe("down")
    await world.subscribe("fine")
    await world.log.append([event(number, company=f"c{number}") for number in range(30)])
    summary = await world.deliver()
    assert (len(fine.received), summary.subscribers["fine"].error) == (30, None)
    assert (down.sent, summary.subscribers["down"].error) == (1, "it answered 500")


async def test_one_that_never_answers_holds_up_no_other_while_it_goes_on():
    never, fine = FlakyReceiver(), FlakyReceiver()
    hang = asyncio.Event()

    async def send(notice):
        await hang.wait()
        return Verdict("late")

    never.send = send
    world = Deliveries({"fine": fine, "never": never})
    await world.subscribe("never")
    await world.subscribe("fine")
    await world.log.append([event(1)])
    task = asyncio.create_task(world.deliver(every_s=0.001))
    await until(lambda: len(fine.received) == 1)
    await world.log.append([event(2), event(3)])
    await until(lambda: len(fine.received) == 3)
    world.delivery.stop()
    hang.set()
    summary = await task
    assert (summary.subscribers["fine"].accepted, summary.subscribers["never"].error) == (3, "late")


async def test_retries_wait_longer_each_time_and_then_it_is_parked(caplog):
    receiver = FlakyReceiver(["down"] * 10_000)
    world = Deliveries({"r": receiver})
    await world.subscribe("r")
    await world.log.append([event(1)])
    began, pauses = world.clock.at, []
    while (stored := await world.stored("r")).state is SubscriberState.ACTIVE:
        await world.deliver()
        stored = await world.stored("r")
        pauses.append((stored.next_try - world.clock.at).total_seconds())
        sent = receiver.sent
        world.clock.at = stored.next_try - (stored.next_try - world.clock.at) / 100
        await world.deliver()
        assert receiver.sent == sent
        world.clock.at = stored.next_try
    assert all(3.75 * 2**n <= pause <= 6.25 * 2**n for n, pause in enumerate(pauses[:9]))
    assert all(2_700 <= pause <= 4_500 for pause in pauses[12:])
    assert 5 <= (world.clock.at - began).total_seconds() / 86_400 < 5.1
    assert (stored.state, stored.why) == (SubscriberState.PARKED, "it answered 500")
    assert "subscriber_parked" in caplog.text
    sent = receiver.sent
    assert (await world.deliver()).subscribers["r"].state is SubscriberState.PARKED
    assert receiver.sent == sent
    [finding] = await world.delivery.check()
    assert (finding.is_good, "resume r" in finding.remedy) == (False, True)


async def test_one_that_is_resumed_goes_on_where_it_was():
    receiver = FlakyReceiver(["ok", "gone"], parallel=1)
    world = Deliveries({"r": receiver})
    await world.subscribe("r")
    await world.log.append([event(number) for number in range(5)])
    assert (await world.deliver()).subscribers["r"].state is SubscriberState.PARKED
    await world.deliver()
    assert receiver.sent == 2
    await world.delivery.resume("r")
    assert (await world.deliver()).success
    assert receiver.received == [document["id"] for document in world.log.events]
    await world.delivery.pause("r")
    await world.log.append([event(9)])
    await world.deliver()
    assert len(receiver.received) == 5
    await world.delivery.resume("r")
    await world.deliver()
    assert len(receiver.received) == 6


async def test_one_that_is_paused_or_removed_meanwhile_is_sent_no_further_window():
    for act in ("pause", "remove"):
        receiver = FlakyReceiver()
        world = Deliveries({"r": receiver})
        await world.subscribe("r")
        await world.log.append([event(number, company=f"c{number}") for number in range(350)])
        send = receiver.send

        async def send_and_act(notice, receiver=receiver, world=world, send=send, act=act):
            if receiver.sent == 150:
                await getattr(world.delivery, act)("r")
            return await send(notice)

        receiver.send = send_and_act
        await world.deliver()
        assert len(receiver.received) == 200


async def test_what_a_receiver_asks_for_is_waited_out():
    receiver = FlakyReceiver([Verdict("it answered 429", pause_s=7_200)])
    world = Deliveries({"r": receiver})
    await world.subscribe("r")
    await world.log.append([event(1)])
    await world.deliver()
    world.clock.pass_by(seconds=7_199)
    await world.deliver()
    assert receiver.sent == 1
    world.clock.pass_by(seconds=1)
    assert (await world.deliver()).success
    assert receiver.sent == 2


async def test_of_two_deliverers_at_once_one_delivers():
    receiver = FlakyReceiver()
    world = Deliveries({"r": receiver})
    await world.subscribe("r")
    await world.log.append([event(number, company=f"c{number}") for number in range(250)])
    send = receiver.send

    async def send_slowly(notice):
        await asyncio.sleep(0)
        return await send(notice)

    receiver.send = send_slowly
    summaries = await asyncio.gather(*(world.deliver() for _ in range(3)))
    assert sorted(summary.subscribers["r"].accepted for summary in summaries) == [0, 0, 250]
    assert [summary.subscribers["r"].skipped for summary in summaries].count("another deliverer is at it") == 2
    assert (receiver.sent, len(receiver.received)) == (250, 250)


async def test_one_who_was_overtaken_writes_nothing_more():
    receiver = FlakyReceiver()
    world = Deliveries({"r": receiver})
    await world.subscribe("r")
    await world.log.append([event(1)])
    send = receiver.send

    async def send_and_lose(notice):
        stored = world.store.documents["r"]
        world.store.documents["r"] = {**stored, "lease": {**stored["lease"], "token": 77}}
        return await send(notice)

    receiver.send = send_and_lose
    summary = await world.deliver()
    assert summary.subscribers["r"].skipped
    assert (await world.stored("r")).cursor == 0


async def test_unwanted_events_are_passed_over_for_good():
    receiver = FlakyReceiver()
    world = Deliveries({"r": receiver})
    await world.subscribe("r", types=("violation",), least_severity="high", companies=("a",))
    await world.log.append(
        [event(1, company="a"), event(2, company="a", severity=Severity.HIGH), event(3, company="b", severity=Severity.CRITICAL),
         event(4, company="a", type_="crash.added", severity=Severity.HIGH), event(5, company="a", severity=Severity.CRITICAL)]
    )  # fmt: skip
    await world.log.append([event(6, company="b")])
    await world.deliver()
    assert receiver.received == [world.log.events[number]["id"] for number in (1, 4)]
    assert (await world.stored("r")).cursor == await world.log.last()


async def test_a_new_subscriber_is_told_of_what_is_new():
    receiver = FlakyReceiver()
    world = Deliveries({"r": receiver})
    await world.log.append([event(1)])
    stored = await world.subscribe("other")
    await world.delivery.add(stored.model_copy(update={"name": "r"}))
    await world.log.append([event(2)])
    await world.deliver()
    assert receiver.received == [world.log.events[1]["id"]]


async def test_a_bug_on_the_way_is_one_events_failure_and_told(caplog):
    receiver = FlakyReceiver()
    world = Deliveries({"r": receiver})
    await world.subscribe("r")
    await world.log.append([{**event(1), "data": {"companyId": "odd", "severity": 3, "usdot": None, "x": object}}])
    await world.log.append([event(2)])
    send = receiver.send

    async def send_or_break(notice):
        if notice.events[0]["data"]["companyId"] == "odd":
            raise ZeroDivisionError
        return await send(notice)

    receiver.send = send_or_break
    summary = await world.deliver()
    assert (summary.subscribers["r"].accepted, summary.subscribers["r"].error) == (1, "unexpected: ZeroDivisionError")
    assert "Traceback" in caplog.text


async def test_a_document_that_is_no_subscriber_disturbs_nobody():
    receiver = FlakyReceiver()
    world = Deliveries({"r": receiver})
    await world.subscribe("r")
    world.store.documents["odd"] = {"_id": "odd", "kind": "pigeon"}
    await world.log.append([event(1)])
    summary = await world.deliver()
    assert (summary.subscribers["r"].accepted, "kind" in summary.subscribers["odd"].error) == (1, True)


async def test_a_deadline_ends_it_between_two_events():
    receiver = FlakyReceiver(parallel=1)
    world = Deliveries({"r": receiver})
    await world.subscribe("r")
    await world.log.append([event(number) for number in range(10)])
    send = receiver.send

    async def send_until_stopped(notice):
        if receiver.sent == 3:
            world.delivery.stop()
        return await send(notice)

    receiver.send = send_until_stopped
    summary = await world.deliver()
    assert (summary.success, summary.accepted, (await world.stored("r")).cursor) == (True, 4, world.log.events[3]["_id"])
    receiver.send = send
    assert (await world.deliver(deadline_s=3_600)).accepted == 6


class Data(dict):
    """What an event says; it is counted how many there are at once."""

    alive = most = 0

    def __init__(self, *values):
        super().__init__(*values)
        Data.alive += 1
        Data.most = max(Data.most, Data.alive)

    def __del__(self):
        Data.alive -= 1


class EndlessLog:
    """So many events, made when they are read."""

    def __init__(self, count):
        self.count = count
        self.one = event(1)

    async def read(self, after, limit, wanted):
        return [
            {**self.one, "_id": place, "id": str(place), "data": Data({**self.one["data"], "companyId": place % 7})}
            for place in range(after + 1, min(after + limit, self.count) + 1)
        ]

    async def last(self):
        return self.count


class Counter:
    """A channel that takes all, and counts."""

    parallel = 8
    count = 0

    async def send(self, notice):
        self.count += 1
        return ACCEPTED


@pytest.mark.parametrize("form", ["each", "digest"])
async def test_of_a_hundred_thousand_events_only_a_few_are_held_at_once(form):
    receiver, Data.most = Counter(), 0
    world = Deliveries({"r": receiver})
    world.delivery = Delivery(EndlessLog(100_000), world.store, world.delivery.channels)
    await world.subscribe("r", form=form)
    world.clock.pass_by(days=1)
    summary = await world.deliver()
    assert (summary.accepted, receiver.count) == (100_000, 100_000 if form == "each" else 1)
    assert Data.most <= 300
    assert Data.alive == 0
