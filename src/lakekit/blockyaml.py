"""YAML in blocks, as people write it: lists stand further in than what they are of, and nothing is an alias."""

from __future__ import annotations

from typing import Any

import yaml
from typing_extensions import override


class Dumper(yaml.SafeDumper):  # type: ignore[misc] # PyYAML has no types
    """For ``dump``, or to add representers to a subclass of it."""

    @override
    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, indentless=False)

    @override
    def ignore_aliases(self, data: Any) -> bool:
        return True


def dump(content: Any, dumper: type[Dumper] = Dumper) -> str:
    """A document, or a part of one, in the order that it has, with no line broken."""
    return str(yaml.dump(content, Dumper=dumper, sort_keys=False, allow_unicode=True, width=1 << 20))
