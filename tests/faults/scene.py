"""Where a fault happens: a small fleet, its companies in a store, and syncs that each come from a process of their own."""

from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from pydantic import SecretStr

from fmcsa_orchestrator import MongoCompanyRepository, open_orchestrator
from fmcsa_orchestrator.cli.demo import demo_settings
from fmcsa_orchestrator.model.documents import dig, with_values
from fmcsa_orchestrator.model.status import LEASE
from fmcsa_orchestrator.storage.event_log import Wanted
from fmcsa_orchestrator.testing import Fleet
from tests.support.passing_time import jumping_time
from tests.support.world import COLLECTIONS, open_world

from . import truth


@dataclass
class Conditions:
    """What is different about one sync."""

    settings: dict = field(default_factory=dict)
    repository: object = None
    extra_sources: tuple = ()
    on_event: object = None
    page_size: int | None = None


@dataclass(frozen=True)
class Picture:
    """All that is stored, at one moment."""

    companies: dict
    rows: dict  # by dataset, then `_id`


class Scene:
    """The world, its target (the carrier that faults of one company happen to), and ways to change things from outside."""

    def __init__(self, world, store, jump):
        self.world = world
        self.jump = jump  # puts the event loop's time forward
        self.upstream = world.upstream
        self.fleet = world.fleet
        self.store = store
        self.uri = None  # of the server, where there is one
        self.embedded = None  # a server of the scene's own
        self.target = self.fleet.usdots[-1]
        self.settings = demo_settings(self.upstream).model_copy(update={"qcmobile_web_key": None, "sources": truth.ALL})
        self.extra_sources = ()
        self.orchestrator = None
        self.mode = "run"

    def use_web_key(self):
        """Ask QCMobile too, from now on."""
        self.settings = self.settings.model_copy(update={"qcmobile_web_key": SecretStr(self.upstream.web_key)})

    @property
    def repository(self):
        return self.world.memory if self.world.database is None else MongoCompanyRepository(self.world.database)

    async def sync(self, mode, conditions=None):
        """One sync from a new orchestrator, as a new process would have it; the result of the public call.

        Under special conditions a run takes two windows, so that it can learn from the first.
        """
        self.mode = mode
        two_windows = {"batch_size": len(self.fleet) // 2} if conditions else {}
        conditions = conditions or Conditions()
        settings = self.settings.model_copy(update={**two_windows, **conditions.settings})
        lent = {"repository": conditions.repository or self.repository, "event_log": self.world.event_log}
        extra_sources = conditions.extra_sources or self.extra_sources
        async with open_orchestrator(settings, extra_sources=extra_sources, **lent) as self.orchestrator:
            if conditions.page_size:
                first = self.orchestrator.components.slots[0].source
                first.files[0].soda.page_size = conditions.page_size  # one client for all
            if mode == "run":
                return await self.orchestrator.sync_all_companies(on_event=conditions.on_event)
            return await self.orchestrator.sync_company(self.target, on_event=conditions.on_event)

    async def picture(self):
        companies = {company["_id"]: dict(company) for company in await self.world.companies()}
        kept = (*COLLECTIONS, *truth.COUNTED)
        return Picture(companies, {name: {row["_id"]: row for row in await self.world.rows(name)} for name in kept})

    async def events(self):
        """All that was told."""
        return await self.world.event_log.read(0, 100_000, Wanted())

    async def document(self, company_id):
        return next(company for company in await self.world.companies() if company["_id"] == company_id)

    async def set(self, company_id, values):
        """Change a company's document behind everybody's back."""
        if self.world.database is None:
            self.world.memory.companies[company_id] = with_values(self.world.memory.companies[company_id], values)
        else:
            await self.world.database["companies"].update_one({"_id": company_id}, {"$set": values})

    async def put_back(self, document):
        """The host's own repair of a company's document."""
        if self.world.database is None:
            self.world.memory.companies[document["_id"]] = document
        else:
            await self.world.database["companies"].replace_one({"_id": document["_id"]}, document)

    async def overtake(self, company_id):
        """Somebody else takes the company: for them the holder has been silent for too long."""
        leases = self.repository.company_leases
        document = await self.document(company_id)
        await leases.take([with_values(document, {f"{LEASE}expiresAt": None})], "another", 30)

    async def held_leases(self):
        """Who has a run, or a company, in hand."""
        database, memory = self.world.database, self.world.memory
        runs = memory.run_leases.documents.values() if database is None else await database["fmcsaLeases"].find({}).to_list(None)
        owners = [dig(company, f"{LEASE}owner") for company in await self.world.companies()]
        return [owner for owner in (*owners, *(run.get("owner") for run in runs)) if owner is not None]

    async def let_leases_run_out(self):
        """As if half a minute had passed; over the wire only, where a fault may leave one held."""
        await self.world.database["companies"].update_many({}, {"$set": {f"{LEASE}expiresAt": None}})
        await self.world.database["fmcsaLeases"].update_many({}, {"$set": {"expiresAt": None}})


def small_fleet(companies):
    """Carriers with few rows, from eight on of every kind; the last has the most."""

    def small(carrier):
        if carrier.kind == "large":
            return replace(carrier, inspections=24, violations=50)
        return replace(carrier, inspections=min(carrier.inspections, 7), violations=min(carrier.violations, 11))

    return Fleet(map(small, Fleet.sample(companies).carriers))


@asynccontextmanager
async def open_scene(store, uri):
    """A scene on this store, with what a host app keeps in its companies besides."""
    with jumping_time() as jump:
        async with open_world(store, uri, fleet=small_fleet(8 if store == "memory" else 4)) as world:
            scene = Scene(world, store, jump)
            scene.uri = uri
            for company in await world.companies():
                await scene.set(company["_id"], {"plan": {"tier": "gold", "seats": 7}, "tags": ["a", None]})
            yield scene
