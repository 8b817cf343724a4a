"""What sources have to know of all carriers: taken from the store by everyone, read from upstreams by a run alone."""

from collections.abc import Sequence

from fmcsa_orchestrator.model.results import SourceFailure
from fmcsa_orchestrator.sources.base import Survey
from fmcsa_orchestrator.storage.repository import CompanyRepository
from fmcsa_orchestrator.sync.guard.isolation import Isolation
from fmcsa_orchestrator.sync.guard.source_caller import SourceCaller

READ_S = 1_800.0  # what a survey may take: a dozen large pages of each of a few files
_LOAD_S = 10.0  # what it may take to find what is kept


class Surveys:
    """The surveys of all sources. What goes wrong with one stops nothing: its source does without, and says so."""

    def __init__(self, surveys: Sequence[Survey], repository: CompanyRepository, isolation: Isolation) -> None:
        self._surveys = surveys
        self._repository = repository
        self._isolation = isolation

    async def load(self) -> None:
        """Have each go by the last document that is kept; one that cannot be had leaves it as it is."""
        for survey in self._surveys:
            await self._isolation.run(survey.name, _LOAD_S, lambda survey=survey: self._take(survey))  # type: ignore[misc]  # a default binds it

    async def read(self, caller: SourceCaller, within_s: float) -> tuple[bool, list[SourceFailure]]:
        """Read and keep those of which no document is of upstream's present state: whether there are any, and what failed.

        Each may take `within_s` seconds. To be called by whoever holds the lease of a run, so that it is read once.
        """
        due = [survey for survey in self._surveys if survey.wanted is not None and survey.wanted != survey.held]
        answers = [await caller.ask(survey.name, within_s, lambda survey=survey: self._read(survey)) for survey in due]  # type: ignore[misc]  # a default binds it
        return bool(due), [answer for answer in answers if isinstance(answer, SourceFailure)]

    async def _take(self, survey: Survey) -> None:
        survey.use(await self._repository.last_survey(survey.collection))

    async def _read(self, survey: Survey) -> None:
        document = await survey.read()
        await self._repository.keep_survey(survey.collection, document)
        survey.use(document)
