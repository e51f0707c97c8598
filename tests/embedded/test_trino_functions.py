"""The table of refused functions against what the embedded engine does with a call of every function of Trino's."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from lakekit import Lake
from lakekit.errors import LakekitError, QueryFailed, UnsupportedSql
from lakekit.settings import FILE
from lakekit.trino_functions import REFUSED

from ..trino_functions import PLUGINS, calls, query

if TYPE_CHECKING:
    from collections.abc import Iterator

CALLS = calls() | {
    name: [f"{name}({arguments})" for arguments in ("'a'", "'a', 'b'", "'a', 'b', 'c'")] for name in PLUGINS
}
CALLS["to_char"] = ["to_char(timestamp '2026-01-31 10:00:00', 'yyyy')"]  # Teradata's, too


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    folder = tmp_path_factory.mktemp("functions")
    (folder / FILE).touch()
    with Lake.connect(folder) as embedded:
        yield embedded


def failure_of(lake: Lake, call: str) -> LakekitError | None:
    try:
        lake.sql(query(call))
    except LakekitError as error:
        return error
    return None


def is_misspelt(error: LakekitError | None) -> bool:
    """Whether it is no call at all to the parser: a plugin's function with a wrong number of arguments."""
    return isinstance(error, QueryFailed) and "cannot be parsed" in error.what


@pytest.mark.parametrize("name", CALLS)
def test_a_function_is_in_the_table_if_every_call_of_it_is_refused(lake: Lake, name: str) -> None:
    failures = {call: failure_of(lake, call) for call in CALLS[name]}
    understood = {call: error for call, error in failures.items() if not is_misspelt(error)}
    assert understood
    if name in REFUSED:
        for call, error in understood.items():
            assert isinstance(error, UnsupportedSql), call
            # Its own name is why, and not what the call's arguments are.
            assert error.why in ("the function is not supported", "the clause is not supported"), call
    else:
        assert None in failures.values(), f"none of {failures} is answered: it belongs into the table"


def test_the_table_holds_nothing_else() -> None:
    assert REFUSED.keys() <= CALLS.keys()
    assert all(name == name.lower() for name in REFUSED)


@pytest.mark.parametrize("name", [name for name, instead in REFUSED.items() if instead])
def test_a_refusal_says_what_the_table_says(lake: Lake, name: str) -> None:
    errors = [error for call in CALLS[name] if not is_misspelt(error := failure_of(lake, call))]
    for error in errors:
        assert error is not None
        assert error.todo == f"{REFUSED[name]}; or use the trino engine"


@pytest.mark.parametrize("instead", sorted(set(REFUSED.values())))
def test_nobody_is_advised_to_call_what_is_refused(instead: str) -> None:
    assert not REFUSED.keys() & set(re.findall(r"\w+(?=\()", instead))
