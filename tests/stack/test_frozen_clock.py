"""The literals that stand for Trino's clock, by Trino itself: its types, its rounding, and what it refuses."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from lakekit import Lake
from lakekit.engine.clock import freeze
from lakekit.errors import QueryFailed
from lakekit.settings import FILE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lakekit.stack import Endpoints

NOW = datetime(2026, 1, 5, 9, 8, 7, 123456, tzinfo=UTC)
WITH_PRECISION = ("current_timestamp", "localtimestamp", "current_time", "localtime")
TOKENS = [
    *WITH_PRECISION,
    "current_date",
    "now()",
    *(f"{token}({places})" for token in WITH_PRECISION for places in range(13)),
]


@pytest.fixture(scope="module")
def trino(stack: Endpoints, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    folder = tmp_path_factory.mktemp("clock")
    (folder / FILE).write_text(f'stack = "{os.environ["LAKEKIT_TEST_STACK"]}"')
    with Lake.connect(folder, engine="trino") as lake:
        yield lake


def test_every_literal_has_the_type_of_its_token(trino: Lake) -> None:
    types = ", ".join(f"typeof({token})" for token in TOKENS)
    query = f"select array[{types}] as c"
    [running], [frozen] = trino.sql(query).rows(), trino.sql(freeze(query, NOW)).rows()
    assert dict(zip(TOKENS, frozen["c"], strict=True)) == dict(zip(TOKENS, running["c"], strict=True))


@pytest.mark.parametrize("moment", ["09:08:07.5", "09:08:07.499999", "09:08:07.123456", "23:59:59.999999"])
def test_every_literal_is_what_trino_rounds_the_moment_to(trino: Lake, moment: str) -> None:
    """Trino's own clock cannot be set; its casts round as its clock does."""
    now = datetime.fromisoformat(f"2026-01-05T{moment}+00:00")
    exact = freeze("current_timestamp(6)", now), freeze("localtimestamp(6)", now), freeze("localtime(6)", now)
    checks = [
        f"{freeze(f'{token}({places})', now)} = cast({literal} as {type_})"
        for places in range(13)
        for token, literal, type_ in (
            ("current_timestamp", exact[0], f"timestamp({places}) with time zone"),
            ("localtimestamp", exact[1], f"timestamp({places})"),
            ("localtime", exact[2], f"time({places})"),
        )
    ]
    [row] = trino.sql(f"select array[{', '.join(checks)}] as c").rows()
    assert [check for check, holds in zip(checks, row["c"], strict=True) if not holds] == []


@pytest.mark.parametrize(
    "token", ["current_timestamp()", "current_timestamp(13)", "current_date()", "now(1)"]
)
def test_what_is_left_alone_trino_refuses(trino: Lake, token: str) -> None:
    query = f"select {token} as c"
    assert freeze(query, NOW) is query
    with pytest.raises(QueryFailed):
        trino.sql(query)
