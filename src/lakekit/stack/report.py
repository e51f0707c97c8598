"""Saying how far something is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

Report = Callable[[str], None]
"""Told in a few words what is happening."""

_WIDTH: Final = 20


def progress_bar(done: int, total: int) -> str:
    """How far it is, as text: ``▰▰▰▰▱▱▱▱▱▱``."""
    full = min(round(_WIDTH * done / max(total, 1)), _WIDTH)
    return "▰" * full + "▱" * (_WIDTH - full)
