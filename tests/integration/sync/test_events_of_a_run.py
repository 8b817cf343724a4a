"""What a run over HTTP tells as it goes: what it reads, and how many requests it has made."""

from collections import Counter

from fmcsa_orchestrator import Reading, RequestSent, Settings, open_orchestrator
from fmcsa_orchestrator.testing import Fleet, LocalFmcsa
from fmcsa_orchestrator.testing.fakes import InMemoryRepository
from tests.support.status_samples import SOURCES


async def test_a_run_tells_what_it_reads_and_counts_its_requests_as_it_goes():
    fleet = Fleet.uniform(2, violations=1, inspections=1)
    repository = InMemoryRepository([{**found, "_id": key} for key, found in enumerate(fleet.company_documents())])
    seen, requests, sent = [], [], Counter()

    def note(event):
        if isinstance(event, RequestSent):
            sent[event.upstream] += 1
        else:
            seen.append(event)
            requests.append(dict(sent))

    async with LocalFmcsa(fleet) as upstream:
        settings = Settings(soda_base_url=upstream.soda_url, soda_requests_per_second=500, source_calls_per_second=500)
        async with open_orchestrator(settings, repository=repository) as orchestrator:
            await orchestrator.sync_all_companies(on_event=note)
    assert [event for event in seen if isinstance(event, Reading)] == [Reading(name, 2) for name in SOURCES]
    assert requests[0] == {}
    assert [found["soda"] for found in requests[1:5]] == [6, 10, 11, 12]
    assert requests[-1] == {"soda": 12}
    assert seen[0].requests == {}  # an event that was told of does not change any more
