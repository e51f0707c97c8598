"""Where a model is named, by kind of file: what must change when it gets another name.

Whole names only. What looks like a name but is prose, or may mean something else, is none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..subjects import Model

Names: TypeAlias = "Mapping[str, Model]"
"""The models that are asked about, by name."""


class Mention(NamedTuple):
    """A place that names a model. Where it is not ``sure``, it may, and nothing but running tells: so no rename is safe."""

    name: str
    start: int
    end: int
    sure: bool = True
