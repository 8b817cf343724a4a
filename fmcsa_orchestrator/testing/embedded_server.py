"""The program that an EmbeddedStore runs: nx-27017, corrected where it is not MongoDB in what this library uses.

It is run by its path, so that the server does not wait for the library's imports. What is wrong was seen in nx-27017 0.8.1 on
neosqlite 1.17.2. `tests/test_embedded_server.py` tries every correction over the wire, and fails when one is needed no more.

Left as they are, since nothing here uses them: update operators other than `$set`, alone or with it, and paths into lists;
`$nor` with dates; `$exists` for a null; `$type` "date"; numbers compared with text; a comparison with the dates in a list.
"""

import os
import sys
import threading
from collections.abc import Callable
from copy import copy
from datetime import datetime
from typing import Any

NOT_INSTALLED = 77  # exit statuses
NOT_CORRECTED = 78
UNCORRECTED = "--uncorrected"

_SIGNS = {"$eq": "=", "$ne": "IS NOT", "$gt": ">", "$gte": ">=", "$lt": "<", "$lte": "<="}


def run_server() -> None:
    """Serve until our standard input ends: even a parent that is killed leaves no server behind."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        from nx_27017.nx_27017 import main
    except ImportError:
        os._exit(NOT_INSTALLED)
    if UNCORRECTED in sys.argv:
        sys.argv.remove(UNCORRECTED)
    else:
        try:
            for correct in (updates, aggregations, groups, comparisons, dates, negations, projections, sorting):
                correct()
        except (ImportError, AttributeError):  # another version, with other insides
            os._exit(NOT_CORRECTED)
    main()


def updates() -> None:
    """`$set` turns dates into text and booleans into 0 and 1, and passes over a path below a null without a word.

    MongoDB keeps the types, and refuses the update. So does neosqlite where it updates in Python instead of SQL.
    """
    from neosqlite.collection.query_helper import QueryHelper, _convert_bytes_to_binary

    @_instead_of(QueryHelper, "_internal_update")
    def in_python(original: Callable[..., Any], self: Any, key: Any, update: dict[str, Any], *rest: Any) -> Any:
        if update.keys() == {"$set"}:
            return self._perform_python_update(key, _convert_bytes_to_binary(update), *rest)
        return original(self, key, update, *rest)


def aggregations() -> None:
    """`$group` takes false for 0 and true for 1; `$min` and `$max` of dates are text; `$match` finds other dates than `find`.

    MongoDB keeps the types, and counts what it finds. So does neosqlite in Python; the first `$match` is done by `find`.
    """
    from neosqlite.collection.query_engine import QueryEngine
    from neosqlite.collection.query_engine.python_aggregation_engine import execute_python_aggregation

    @_instead_of(QueryEngine, "aggregate_with_constraints")
    def in_python(_: Any, self: Any, pipeline: list[dict[str, Any]], *__: Any, session: Any = None, **___: Any) -> Any:
        condition = pipeline[0].get("$match") if pipeline else None
        engine = copy(self)
        engine.find = lambda session: self.find(condition, session=session)
        return execute_python_aggregation(engine, pipeline[condition is not None :], session)


def groups() -> None:
    """`$group` takes an object as its key for a text: all documents are of one group. MongoDB fills in what it names."""
    from neosqlite.collection.expr_evaluator import ExprEvaluator
    from neosqlite.collection.query_helper import QueryHelper

    @_instead_of(QueryHelper, "_process_group_stage")
    def by_object(original: Callable[..., Any], self: Any, group: dict[str, Any], documents: list[dict[str, Any]]) -> Any:
        key = group.get("_id")
        if not isinstance(key, dict) or any(name.startswith("$") for name in key):
            return original(self, group, documents)
        evaluate = ExprEvaluator(data_column="data", db_connection=self.collection.db)._evaluate_operand_python
        keyed = [
            {**document, "__key": {name: evaluate(value, document) for name, value in key.items()}} for document in documents
        ]
        return original(self, {**group, "_id": "$__key"}, keyed)


def comparisons() -> None:
    """In an expression, `$gte` and its like fail on values of two types. MongoDB has one order for values of all types."""
    from neosqlite.collection.expr_evaluator import ExprEvaluator

    @_instead_of(ExprEvaluator, "_evaluate_comparison_python")
    def by_order(original: Callable[..., Any], self: Any, operator: str, operands: list[Any], document: dict[str, Any]) -> bool:
        if operator in {"$gt", "$gte", "$lt", "$lte"}:
            order = self._evaluate_cmp_python(operands, document)
            return bool((order > 0 and "g" in operator) or (order < 0 and "l" in operator) or (order == 0 and "e" in operator))
        return bool(original(self, operator, operands, document))


def dates() -> None:
    """Dates are compared by the second, and with any text or number that SQLite can read as a date.

    MongoDB compares them by the millisecond, with dates only. They are stored as the text of {"$date": ...}, in UTC.
    """
    from neosqlite.collection.sql_translator_unified import SQLOperatorTranslator

    @_instead_of(SQLOperatorTranslator, "translate_operator")
    def exactly(original: Callable[..., Any], self: Any, field: str, operator: str, value: Any) -> Any:
        if isinstance(value, datetime) and operator in _SIGNS and field.endswith("')"):
            date = field.removesuffix("')") + '."$date"\')'
            return f"{date} {_SIGNS[operator]} ?", [value.isoformat()]
        return original(self, field, operator, value)

    @_instead_of(SQLOperatorTranslator, "_is_datetime_value")
    def not_text(_: Any, __: Any, value: Any) -> bool:
        return isinstance(value, datetime)


def negations() -> None:
    """`$not` is refused. MongoDB finds what its condition does not, also where the field is missing."""
    from neosqlite import query_operators
    from neosqlite.collection.sql_translator_unified import SQLOperatorTranslator

    @_instead_of(SQLOperatorTranslator, "translate_operator")
    def with_not(original: Callable[..., Any], self: Any, field: str, operator: str, value: Any) -> Any:
        if operator != "$not" or not isinstance(value, dict):
            return original(self, field, operator, value)
        parts = [self.translate_operator(field, inner, operand) for inner, operand in value.items()]
        if any(sql is None for sql, _ in parts):
            return None, []
        together = " AND ".join(f"({sql})" for sql, _ in parts)
        return f"NOT COALESCE({together}, 0)", [operand for _, operands in parts for operand in operands]

    def in_python(field: str, value: Any, document: dict[str, Any]) -> bool:
        operators = ((getattr(query_operators, f"_{name[1:]}"), operand) for name, operand in value.items())
        return not all(operator(field, operand, document) for operator, operand in operators)

    query_operators._not = in_python


def projections() -> None:
    """A field that is asked for by its path comes back with the path as its name. MongoDB gives it in its place."""
    from neosqlite.collection.query_helper import QueryHelper
    from neosqlite.collection.query_helper.positional_update import _set_nested_field

    @_instead_of(QueryHelper, "_apply_projection")
    def in_place(original: Callable[..., dict[str, Any]], self: Any, projection: Any, document: Any) -> dict[str, Any]:
        found = original(self, projection, document)
        for path in [name for name in projection or () if "." in name and name in found]:
            _set_nested_field(found, path, found.pop(path))
        return found


def sorting() -> None:
    """With SQLite 3.45 and later, dates of a whole second come before all others. MongoDB sorts dates by time."""
    from neosqlite.collection.query_helper import QueryHelper

    @_instead_of(QueryHelper, "_build_sort_clause")
    def by_text(original: Callable[..., str], *given: Any) -> str:
        return original(*given).replace("jsonb_extract(", "json_extract(")


def _instead_of(owner: type, name: str) -> Callable[[Callable[..., Any]], None]:
    """Puts the decorated function in a method's place, with the method as its first argument. Raises: AttributeError."""
    original = getattr(owner, name)

    def put(function: Callable[..., Any]) -> None:
        setattr(owner, name, lambda *args, **kwargs: function(original, *args, **kwargs))

    return put


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


if __name__ == "__main__":
    run_server()
