"""The shop's clock, and what else of the project the tests go by.

Moments are on the shop's clock, so that the tests hold in whatever time zone it is.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

Row = dict[str, Any]

VARS = yaml.safe_load((Path(__file__).parents[1] / "orchestration/dbt_project.yml").read_text())["vars"]
ZONE = ZoneInfo(VARS["shop_timezone"])


def at(moment: str, **later: float) -> datetime:
    """An instant on the shop's clock: ``at("2026-02-10 09:30")``, noon of a mere day; ``later`` by ``days=5, seconds=-1``."""
    there = datetime.fromisoformat(moment if " " in moment else f"{moment} 12:00").replace(tzinfo=ZONE)
    return (there.astimezone(ZoneInfo("UTC"))) + timedelta(**later)


def text(moment: str | datetime) -> str:
    """An instant as a connector writes it."""
    return (at(moment) if isinstance(moment, str) else moment).isoformat()
