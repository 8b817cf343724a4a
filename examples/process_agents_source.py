"""A source over one more dataset of the open data portal: BOC-3, who takes legal papers for a carrier (its process agents)."""

from collections.abc import Sequence
from typing import Annotated, Any, Required

from pydantic import Field
from typing_extensions import TypedDict

from fmcsa_orchestrator import Document, Outcome, SyncSummary, open_orchestrator
from fmcsa_orchestrator.soda import (
    Content,
    Dataset,
    Found,
    Key,
    RowParser,
    RowSource,
    SodaClient,
    SodaFile,
    Text,
    Usdot,
    documents_of,
)


class AgentRow(TypedDict, total=False):
    """One row: our field <- the file's column. What is `Required` has to be there, or the row is set aside."""

    usdot: Required[Annotated[Usdot, Field(validation_alias="usdot_number")]]
    agent: Required[Annotated[Text, Field(validation_alias="co_name")]]
    docket: Annotated[Text, Field(validation_alias="docket_number")]
    street: Annotated[Text, Field(validation_alias="street_po")]
    city: Annotated[Text, Field(validation_alias="city")]
    state: Annotated[Text, Field(validation_alias="state_code")]
    zip: Annotated[Text, Field(validation_alias="zip_code")]
    country: Annotated[Text, Field(validation_alias="ctry_code")]


parse_agent = RowParser(AgentRow)
DATASET = Dataset("6snj-ed7q", "BOC-3", parse_agent.columns, key=Key("usdot_number"), others=frozenset({"attn"}))


def _agent_id(row: Content) -> str:
    return f"{row['docket']}:{row['state']}:{row['agent']}"


class ProcessAgentsSource(RowSource):
    """Process agents of one carrier: a row each in `fmcsaProcessAgents`, their names in the company."""

    name = "process_agents"
    owns = ("fmcsaData.processAgents",)
    collection = "fmcsaProcessAgents"
    revision = 1  # raise it when the parsing changes: every company is then due again
    nothing = Outcome.NOT_FOUND
    nothing_text = "not in the file, which has a part of all carriers only: no proof that there is no agent"

    def __init__(self, soda: SodaClient, *, batch_size: int = 200) -> None:
        super().__init__(soda, [SodaFile(soda, DATASET, parse_agent)], batch_size)

    async def documents(self, found: Found) -> Sequence[Document]:
        """One per row; equal ones get numbers."""
        return await documents_of(found.rows[0], _agent_id)

    async def summarize(self, found: Found) -> dict[str, Any]:
        """How many rows, in how many states, and by whom; the same for the same rows, in whatever order."""
        rows = found.rows[0]
        return {
            "total": len(rows),
            "states": len({row["state"] for row in rows} - {None}),
            "agents": sorted({row["agent"] for row in rows if row["agent"]})[:20],
        }


async def sync() -> SyncSummary:
    """One run of the built-in sources, then ours: it is made with the portal's client that they use."""
    async with open_orchestrator(extra_sources=[ProcessAgentsSource]) as orchestrator:
        return await orchestrator.sync_all_companies()
