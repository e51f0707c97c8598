"""Whatever Airbyte's jobs do and whenever the sensor runs, fails or dies: each sync is told once and run once."""

from __future__ import annotations

import logging
import tempfile
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from lakekit.errors import AirbyteFailed

from ..airbyte_server import ENDED, Job, airbyte_server
from .airbyte_watch import Watch

SOURCES = ("shopify", "klaviyo", "stripe")
TABLES = {source: [f"{source}.orders", f"{source}.events"] for source in SOURCES}
MODELS: dict[str, list[str]] = {
    **{f"streams.stg_{source}__orders": [f"{source}.orders"] for source in SOURCES},
    # Two sources share a mart, the third is by itself.
    "marts.fct_both": ["streams.stg_shopify__orders", "streams.stg_klaviyo__orders"],
    "marts.fct_stripe": ["streams.stg_stripe__orders", "stripe.events"],
}
LATE = timedelta(minutes=9)


class Syncs(RuleBasedStateMachine):
    """Jobs of three connections, a sensor, and what must have come of them."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.airbyte = self.stack.enter_context(airbyte_server())
        project = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        (project / "lakekit.toml").write_text(f'[airbyte]\nurl = "{self.airbyte.url}"\n')
        self.stack.enter_context(patch.dict("os.environ", self.airbyte.environment))
        logging.disable(logging.WARNING)
        self.stack.callback(logging.disable, logging.NOTSET)
        # Few at once, so that ticks have something left over.
        self.stack.enter_context(patch("lakekit.dagster.airbyte.syncs.A_TICK", 3))
        self.stack.enter_context(patch("lakekit.dagster.airbyte.api._PAGE", 2))
        self.connections = {
            self.airbyte.add_connection(
                source, ["orders", "events"], self.airbyte.add_destination(source)
            ): source
            for source in SOURCES
        }
        self.watch = Watch(project, MODELS)
        self.due: dict[int, str] = {}

    @initialize(synced=st.integers(0, 5))
    def there_may_have_been_syncs(self, synced: int) -> None:
        for at in range(synced):
            self.airbyte.sync(list(self.connections)[at % len(self.connections)])

    @rule(which=st.integers(0, 2), kind=st.sampled_from(["sync", "sync", "refresh", "clear"]))
    def start(self, which: int, kind: str) -> None:
        self.airbyte.start(list(self.connections)[which], kind)

    def open_jobs(self) -> list[Job]:
        return [job for job in self.airbyte.jobs.values() if job.status not in ENDED]

    @precondition(open_jobs)
    @rule(
        at=st.integers(0, 99),
        status=st.sampled_from(
            [
                "queued",
                "running",
                "incomplete",
                "hibernating",
                "failed",
                "cancelled",
                "succeeded",
                "succeeded",
                "succeeded",
            ]
        ),
        late=st.integers(0, int(LATE.total_seconds())),
    )
    def move(self, at: int, status: str, late: int) -> None:
        """A job's end may become visible some time after the time that it bears."""
        jobs = self.open_jobs()
        job = jobs[at % len(jobs)]
        self.airbyte.move(job, status)
        job.updated = max(job.created, job.updated - timedelta(seconds=late))
        if status == "succeeded" and job.type != "clear" and self.watch.cursor:
            self.due[job.id] = self.connections[job.connection]

    @rule(seconds=st.one_of(st.integers(1, 120), st.integers(1, 3 * 24 * 3600)))
    def time_passes(self, seconds: int) -> None:
        self.airbyte.pass_time(seconds=seconds)

    @rule()
    def tick(self) -> None:
        self.watch.tick()

    @rule(
        fault=st.sampled_from(["500", "401", "garbage", "gone"]),
        where=st.sampled_from(["token", "jobs", "connections"]),
    )
    def tick_while_airbyte_is_at_fault(self, fault: str, where: str) -> None:
        self.airbyte.fault, before = f"{fault} {where}", self.watch.cursor
        try:
            self.watch.tick()
        except AirbyteFailed:
            assert self.watch.cursor == before
        self.airbyte.fault = ""

    @precondition(lambda self: self.watch.cursor)
    @rule(events=st.integers(0, 6))
    def tick_and_be_killed(self, events: int) -> None:
        """Some of the tick's materializations are stored, its runs and its cursor are not."""
        self.watch.tick(killed_after=events)

    @rule()
    def restart(self) -> None:
        self.watch.restart()

    @invariant()
    def nothing_is_told_twice_and_nothing_early(self) -> None:
        told = [
            (event.metadata["airbyte/job_id"].value, tuple(event.asset_key.path))
            for event in self.watch.events
        ]
        assert len(told) == len(set(told))
        assert {job for job, _ in told} <= self.due.keys()
        ran = [
            int(id_) for run in self.watch.runs.values() for id_ in run.tags["lake/airbyte_jobs"].split(",")
        ]
        assert len(ran) == len(set(ran))

    def teardown(self) -> None:
        try:
            if self.watch.cursor:
                for _ in range(len(self.due) // 3 + 2):
                    self.watch.tick()
                self.all_is_told()
        finally:
            self.stack.close()

    def all_is_told(self) -> None:
        self.nothing_is_told_twice_and_nothing_early()
        read = {one for reads in MODELS.values() for one in reads}
        told = {
            (event.metadata["airbyte/job_id"].value, ".".join(event.asset_key.path))
            for event in self.watch.events
        }
        assert told == {
            (job, table) for job, source in self.due.items() for table in TABLES[source] if table in read
        }
        ran: dict[int, set[str]] = {}
        for run, models in zip(self.watch.runs.values(), self.watch.built(), strict=True):
            ran |= {int(id_): models for id_ in run.tags["lake/airbyte_jobs"].split(",")}
        assert ran.keys() == self.due.keys()
        for job, source in self.due.items():
            alone = (source == "stripe") == ("marts.fct_stripe" in ran[job])
            assert alone
            assert f"streams.stg_{source}__orders" in ran[job]


Syncs.TestCase.settings = settings(
    max_examples=30, stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


@pytest.mark.timeout(600)
class TestSyncs(Syncs.TestCase):
    """Runs the machine."""
