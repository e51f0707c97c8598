"""A source's configured Airbyte catalog: the streams that are read, with the key and the cursor that were chosen.

Source: the Airbyte protocol (ConfiguredAirbyteCatalog).
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from .. import streams


class NoCatalog(Exception):
    """The file is none; the message says why in a few words."""


@lru_cache(maxsize=2)  # a source's references come one after the other
def read(text: str) -> dict[str, dict[str, Any]]:
    """What is configured, by its stream's name. Raises ``NoCatalog``."""
    try:
        return {one["stream"]["name"]: one for one in json.loads(text)["streams"]}
    except json.JSONDecodeError as error:
        raise NoCatalog(f"line {error.lineno}: {error.msg}") from error
    except RecursionError as error:
        raise NoCatalog("it is nested too deeply") from error
    except (ValueError, LookupError, TypeError) as error:
        raise NoCatalog("it has no list of streams, each with its name") from error


def stream(configured: dict[str, Any]) -> streams.Stream:
    """A stream of a catalog. Raises ``ValueError`` that says what is wrong with it."""
    given = {
        "source_defined_primary_key": configured.get("primary_key"),
        "default_cursor_field": configured.get("cursor_field"),
    }
    return streams.stream(configured["stream"] | {key: value for key, value in given.items() if value})
