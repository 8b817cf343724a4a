"""Out-of-service orders: four states, kept apart by the days of the order and of the file."""

from datetime import UTC, datetime
from typing import ClassVar

import pytest

from fmcsa_orchestrator import OutOfServiceOrdersSource
from fmcsa_orchestrator.sources.out_of_service_orders import parse_order, state_of
from fmcsa_orchestrator.testing import Fleet
from tests.support.own_source import OwnSource
from tests.support.world import open_world

ORDERS = "p2mt-9ige"
FILE_OF = datetime(2026, 11, 12, 8, 29, tzinfo=UTC)


class TestOutOfServiceOrders(OwnSource):
    columns: ClassVar = {"legal_name": {"a": 1}, "oos_date": 20220709, "oos_reason": ["x"], "status": 7.5}

    def make(self, portal, mobile):
        return OutOfServiceOrdersSource(portal)

    def prepare(self, fleet):
        fleet.publish_daily(ORDERS, changed=1)


@pytest.mark.parametrize(
    ("ordered", "rescinded", "state"),
    [("2022-07-09", None, "inForce"), ("2022-07-09T00:00:00.000", "", "inForce"), ("2022-07-09", "2022-07-11", "rescinded"),
     ("2022-07-09", "2026-11-12", "rescinded"), ("2022-07-09", "2026-12-01", "inForce"), ("2026-11-30", None, "scheduled"),
     ("2022-99-09", None, "unreadable"), ("soon", "2022-07-11", "unreadable"), ("2022-07-09", "07/2022", "unreadable"),
     (None, None, "unreadable")],
)  # fmt: skip
def test_what_an_order_is_on_the_day_of_the_file(ordered, rescinded, state):
    row = {"dot_number": "1438", "oos_date": ordered, "rescind_date": rescinded, "oos_reason": "Unsatisfactory = Unfit"}
    assert state_of(parse_order({key: value for key, value in row.items() if value is not None}), FILE_OF) == state


async def test_orders_are_counted_by_state_and_kept_one_by_one():
    fleet = Fleet.sample(20)
    usdot = fleet.usdots[3]
    async with open_world("memory", None, fleet=fleet, sources=("out_of_service_orders",)) as world:
        await world.orchestrator.sync_all_companies()
        before = (await world.companies())[3]["fmcsaData"]["outOfServiceOrders"]
        fleet.publish_daily(ORDERS, changed=1)
        summary = await world.orchestrator.sync_all_companies()
        found = (await world.companies())[3]["fmcsaData"]["outOfServiceOrders"]
        documents = [row for row in await world.rows("fmcsaOutOfServiceOrders") if row["usdot"] == usdot]
    upstreams = fleet.rows(ORDERS, usdot)
    assert (summary.success, summary.requests) == (True, 1 + 2)  # the version, and a batch of 15 and one of 5
    assert (found["total"], found["inForce"]) == (len(upstreams), 1)
    assert found["total"] == before["total"] + 1
    assert sorted((f"{row['orderedOn']:%Y-%m-%d}", row["state"]) for row in documents) == sorted(
        (row["oos_date"], "rescinded" if "rescind_date" in row else "inForce") for row in upstreams
    )
    assert [order["reason"] for order in found["orders"]] == [row["oos_reason"] for row in upstreams if "rescind_date" not in row]
