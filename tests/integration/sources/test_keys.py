"""Carriers are found by whatever column a dataset knows them by, and in whatever form it writes their numbers."""

from typing import Annotated, Required

import aiohttp
import pytest
from pydantic import Field
from typing_extensions import TypedDict

from fmcsa_orchestrator import MalformedPayloadError, RequestRejectedError
from fmcsa_orchestrator.clients.soda import SodaClient
from fmcsa_orchestrator.clients.soda_schema import Dataset, Key
from fmcsa_orchestrator.sources.soda.columns import Count, RowParser, Text, Usdot
from fmcsa_orchestrator.sources.soda.file import SodaFile
from fmcsa_orchestrator.testing import Fault, Fleet, LocalFmcsa
from fmcsa_orchestrator.testing.fmcsa import catalogue
from fmcsa_orchestrator.testing.fmcsa.tables.table import Table
from tests.support.own_source import client

COLUMN = "usdot_number"
FORMS = ("text", "number", "padded")


class LicenceRow(TypedDict, total=False):
    usdot: Required[Annotated[Usdot, Field(validation_alias=COLUMN)]]
    docket: Annotated[Text, Field(validation_alias="docket_number")]
    number: Annotated[Count, Field(validation_alias="number")]


parse = RowParser(LicenceRow)


def dataset_of(form, id_=None):
    """One whose key column is in that form, as we ask for it; or that other dataset, asked for in this form."""
    return Dataset(f"test-{id_ or form}", f"Licences, {id_ or form}", parse.columns, key=Key(COLUMN, form))


@pytest.fixture(autouse=True)
def tables(monkeypatch):
    """Datasets of the double that are alike but for the form of their key: three rows of every other carrier."""
    for form in FORMS:

        def make(carrier, seed, version, form=form):
            written = f"{carrier.usdot:08d}" if form == "padded" else str(carrier.usdot)
            return [{COLUMN: written, "docket_number": "MC1", "number": str(n)} for n in range(3 * (carrier.usdot % 2))]

        numbers = frozenset({COLUMN}) if form == "number" else frozenset()
        columns = (COLUMN, "docket_number", "number")
        table = Table(f"test-{form}", form, columns, make, numbers=numbers, key=COLUMN, padded=form == "padded")
        monkeypatch.setitem(catalogue.TABLES, table.id, table)
        monkeypatch.setitem(catalogue.DATASETS, table.id, columns)
        monkeypatch.setitem(catalogue.TITLES, table.id, form)


@pytest.fixture
def fleet():
    """Carriers with odd numbers and with even ones."""
    return Fleet.sample(30)


@pytest.fixture
async def upstream(fleet):
    async with LocalFmcsa(fleet) as upstream:
        yield upstream


@pytest.fixture
async def soda(upstream):
    async with aiohttp.ClientSession() as session:
        yield SodaClient(client(session, upstream.soda_url, "soda"), page_size=20)


@pytest.mark.parametrize("form", FORMS)
async def test_a_carrier_is_found_in_the_form_of_its_dataset(form, fleet, soda):
    dataset = dataset_of(form)
    expected = {usdot: number for usdot in fleet.usdots if (number := fleet.count(dataset.id, usdot))}
    assert 1 < len(expected) < len(fleet)
    assert await soda.counts(dataset, fleet.usdots) == expected
    file = SodaFile(soda, dataset, parse)
    for read in (file.read, file.read_small):  # a page holds only a part of them
        found = (await read(fleet.usdots)).by_usdot
        assert {usdot: len(rows) for usdot, rows in found.items()} == {usdot: expected.get(usdot, 0) for usdot in fleet.usdots}
    assert (await file.check()).is_good


async def test_a_number_in_the_wrong_form_is_nobodys_or_refused(fleet, soda):
    for asked, form in (("text", "padded"), ("padded", "text")):
        assert await soda.counts(dataset_of(asked, form), fleet.usdots) == {}
    for form in ("text", "padded"):
        with pytest.raises(RequestRejectedError, match="type-mismatch|mismatch"):
            await soda.counts(dataset_of("number", form), fleet.usdots)


@pytest.mark.parametrize("form", FORMS)
async def test_a_row_that_cannot_be_understood_is_its_carriers(form, fleet, soda, upstream):
    usdot = next(usdot for usdot in fleet.usdots if usdot % 2)
    upstream.inject(Fault.bad_value("number", "many", one_row=True))
    rows = (await SodaFile(soda, dataset_of(form), parse).read([usdot])).by_usdot[usdot]
    assert (len(rows), len(rows.odd)) == (2, 1)
    assert rows.odd[0].field == "number"
    assert str(usdot) in rows.odd[0].raw


async def test_the_column_is_named_where_a_row_is_nobodys(fleet, soda, upstream):
    upstream.inject(Fault.bad_value(COLUMN, None))
    with pytest.raises(MalformedPayloadError, match=COLUMN) as raised:
        await SodaFile(soda, dataset_of("text"), parse).read(fleet.usdots)
    assert raised.value.field == COLUMN
