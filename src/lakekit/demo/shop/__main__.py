"""The demo shop as an Airbyte connector: ``python -m lakekit.demo.shop shopify discover``.

It speaks the Airbyte protocol as the published connectors do (``spec``, ``check``, ``discover``, ``read``), so that
whatever runs a connector can be tried before there is an account to connect. Source: the Airbyte protocol.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from .protocol import line
from .shop import PACING, Shop

if TYPE_CHECKING:
    from collections.abc import Iterable

_SPEC: Final = {
    "connectionSpecification": {
        "title": "The demo shop",
        "type": "object",
        "properties": {
            "orders": {"type": "integer", "minimum": 1, "default": 5_000, "description": "Orders of the first sync."},
            "seed": {"type": "integer", "default": 7, "description": "Another seed is another shop."},
        },
    }
}  # fmt: skip


def main() -> int:
    """Do what the command line says, in messages on standard output; 2 for what it cannot."""
    parser = argparse.ArgumentParser(prog="python -m lakekit.demo.shop", description=__doc__)
    parser.add_argument("source", choices=PACING)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("spec", help="what --config may hold")
    for name, text in (
        ("check", "whether the shop answers"),
        ("discover", "its streams"),
        ("read", "a sync"),
    ):
        command = commands.add_parser(name, help=text)
        command.add_argument("--config", type=Path, help='JSON: {"orders": 5000, "seed": 7}')
        if name == "read":
            command.add_argument("--catalog", type=Path, required=True, help="the configured catalog")
            command.add_argument(
                "--state", type=Path, help="where the last sync ended; a week later goes on there"
            )
    given = parser.parse_args()
    try:
        for message in _messages(given):
            sys.stdout.buffer.write(message)
    except (OSError, ValueError, KeyError, TypeError) as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        return 2
    sys.stdout.flush()
    return 0


def _messages(given: argparse.Namespace) -> Iterable[bytes]:
    if given.command == "spec":
        return [line({"type": "SPEC", "spec": _SPEC})]
    shop = Shop(**(_json(given.config) if given.config else {}))
    if given.command == "check":
        return [line({"type": "CONNECTION_STATUS", "connectionStatus": {"status": "SUCCEEDED"}})]
    if given.command == "discover":
        return [line({"type": "CATALOG", "catalog": {"streams": shop.catalog(given.source)}})]
    streams = {configured["stream"]["name"] for configured in _json(given.catalog)["streams"]}
    if PACING[given.source] not in streams:
        raise ValueError(
            f"the catalog must have '{PACING[given.source]}': it tells how far the shop was read"
        )
    states = _json(given.state) if given.state else []
    return shop.messages(given.source, shop.sync_number(states, [given.source]), streams=streams)


def _json(file: Path) -> Any:
    return json.loads(file.read_text(encoding="utf-8"))


if __name__ == "__main__":
    sys.exit(main())
