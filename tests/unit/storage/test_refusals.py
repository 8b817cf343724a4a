"""Whose fault an error of MongoDB is: this company's data, or the store's; by its code, as MongoDB's list of them has it."""

import pytest
from pymongo.errors import BulkWriteError, DuplicateKeyError, WriteConcernError, WriteError

from fmcsa_orchestrator import CompanyWriteError, RepositoryError
from fmcsa_orchestrator.storage.mongodb.driver import UpdateOne, bulk, translated

# BadValue, FailedToParse, TypeMismatch, path not viable, conflicting paths, an id or a key that is none, rules of the collection,
# a second of its kind, too large before and after.
OF_THE_DATA = [2, 9, 14, 15, 28, 40, 52, 57, 121, 10334, 11000, 17419, 17420, 7655103]
# Rights, a primary that steps down, disk full, throttled, no such shard version, a time limit, not implemented.
OF_THE_STORE = [13, 14031, 16500, 13388, 50, 238]
OPERATIONS = [UpdateOne({"_id": number}, {"$set": {"a": 1}}) for number in range(4)]
NOT_REPLICATED = {"code": 64, "errmsg": "waiting for replication timed out"}


class Collection:
    def __init__(self, *faults, write_concern=()):
        self.details = {"writeErrors": list(faults), "writeConcernErrors": list(write_concern), "nMatched": 3}

    async def bulk_write(self, operations, *, ordered):
        assert not ordered
        raise BulkWriteError(self.details)


def fault(index, code):
    return {"index": index, "code": code, "errmsg": f"error {code}"}


@pytest.mark.parametrize("code", OF_THE_DATA)
async def test_what_is_wrong_with_its_data_costs_the_company_alone(code):
    matched, refused = await bulk(Collection(fault(2, code)), OPERATIONS, "cannot write")
    assert matched == 3
    assert {index: (type(error), str(error)) for index, error in refused.items()} == {
        2: (CompanyWriteError, f"cannot write: error {code}")
    }


@pytest.mark.parametrize("code", OF_THE_STORE)
@pytest.mark.parametrize("others", [(), (fault(1, 121),)], ids=["alone", "beside a refusal"])
async def test_what_is_wrong_with_the_store_is_no_companys_fault(code, others):
    with pytest.raises(RepositoryError, match=f"error {code}") as raised:
        await bulk(Collection(*others, fault(2, code)), OPERATIONS, "cannot write")
    assert type(raised.value) is RepositoryError


@pytest.mark.parametrize("faults", [(), (fault(2, 121),)], ids=["alone", "beside a refusal"])
async def test_what_is_not_written_to_a_majority_is_not_written(faults):
    with pytest.raises(RepositoryError, match="replication timed out") as raised:
        await bulk(Collection(*faults, write_concern=[NOT_REPLICATED]), OPERATIONS, "cannot write")
    assert type(raised.value) is RepositoryError


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (WriteError("no", 121), CompanyWriteError),
        (DuplicateKeyError("no", 11000), CompanyWriteError),
        (WriteError("no", 14031), RepositoryError),
        (WriteError("no", 16500), RepositoryError),
        (WriteConcernError("no", 64), RepositoryError),
    ],
    ids=str,
)
def test_a_single_write_is_judged_in_the_same_way(error, kind):
    with pytest.raises(kind) as raised, translated("cannot write"):
        raise error
    assert type(raised.value) is kind
