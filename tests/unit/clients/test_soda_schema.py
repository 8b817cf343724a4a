"""The columns of a dataset: those that we need are those that there are, and what has changed is named."""

import pytest

from fmcsa_orchestrator.clients.soda_schema import Dataset, check_columns, header_types
from fmcsa_orchestrator.model.errors import MalformedPayloadError, SchemaDriftError
from fmcsa_orchestrator.settings import Settings
from fmcsa_orchestrator.sources.catalogue import BUILT_IN
from fmcsa_orchestrator.testing import DATASETS

OURS = [file.dataset for make in BUILT_IN.values() for file in make(None, None, Settings()).files]


@pytest.mark.parametrize("dataset", OURS, ids=lambda dataset: dataset.id)
def test_we_need_the_columns_that_there_are(dataset):
    assert dataset.columns | dataset.others == set(DATASETS[dataset.id])
    assert not dataset.columns & dataset.others
    assert dataset.numbers < dataset.columns
    assert dataset.key.column in dataset.columns
    assert dataset.key.column not in dataset.numbers  # our queries are written for the one type that it has


def test_what_a_changed_shape_is_called():
    dataset = Dataset("abcd-1234", "A File", frozenset({"a", "b"}), frozenset({"b"}))
    check_columns(dataset, [("b", "number"), ("a", "text"), (":@computed_region", "number")])
    with pytest.raises(SchemaDriftError, match="no longer has the column a") as raised:
        check_columns(dataset, [("b", "number")])
    assert raised.value.field == "a"
    with pytest.raises(SchemaDriftError, match="number in the column a"):
        check_columns(dataset, [("a", "number"), ("b", "text")])


@pytest.mark.parametrize("fields", ["[", "5", '["a", "b"]', "null", '{"a": 1, "b": 2}'])
def test_unreadable_headers_are_malformed(fields):
    with pytest.raises(MalformedPayloadError):
        header_types(Dataset("x", "X", frozenset()), {"X-SODA2-Fields": fields, "X-SODA2-Types": '["text"]'})
