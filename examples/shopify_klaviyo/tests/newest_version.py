"""What holds for every core model: of each key the newest version stands, however its versions come.

Bronze holds one row for each id; but where a connector appends, a stream has every version. So core models are given
their streams here as they never should be: several versions at once, and old ones late.
"""

from dataclasses import dataclass
from typing import Any

from clock import at


@dataclass
class Version:
    """A core model, and a column of its stream in an old and a new version, with what the model makes of it."""

    model: str
    stream: str
    key: dict[str, Any]
    cursor: str
    old: dict[str, Any]
    new: dict[str, Any]
    built_old: dict[str, Any] | None = None
    built_new: dict[str, Any] | None = None

    def staged(self, which: str, on: str, extracted: int) -> dict[str, Any]:
        says = {**self.key, self.cursor: at(on), "_airbyte_extracted_at": extracted}
        return says | (self.old if which == "old" else self.new)

    def built(self, which: str) -> dict[str, Any]:
        says = (self.built_old or self.old) if which == "old" else (self.built_new or self.new)
        return self.key | says


class NewestVersion:
    """The tests, for a class that is parametrized by ``of``: the models."""

    def test_of_two_versions_in_one_batch_the_newer_stands(self, lake, of):
        lake.given(of.stream, [of.staged("new", "2026-02-11", 1), of.staged("old", "2026-02-10", 2)])
        lake.build(of.model)
        lake.expect(of.model, [of.built("new")])

    def test_of_two_versions_of_one_moment_the_one_that_was_read_last_stands(self, lake, of):
        lake.given(of.stream, [of.staged("old", "2026-02-10", 1), of.staged("new", "2026-02-10", 2)])
        lake.build(of.model)
        lake.expect(of.model, [of.built("new")])

    def test_an_old_version_that_comes_late_changes_nothing(self, lake, of):
        lake.given(of.stream, [of.staged("new", "2026-02-11", 1)])
        lake.build(of.model)
        lake.given(of.stream, [of.staged("old", "2026-02-10", 2)])
        lake.build(of.model)
        lake.expect(of.model, [of.built("new")])

    def test_a_newer_version_replaces_what_was_built(self, lake, of):
        lake.given(of.stream, [of.staged("old", "2026-02-10", 1)])
        lake.build(of.model)
        lake.expect(of.model, [of.built("old")])
        lake.given(of.stream, [of.staged("old", "2026-02-10", 1), of.staged("new", "2026-02-11", 2)])
        lake.build(of.model)
        lake.expect(of.model, [of.built("new")])

    def test_what_was_read_before_is_not_written_again(self, lake, of):
        lake.given(of.stream, [of.staged("old", "2026-02-10", 1), of.staged("new", "2026-02-11", 2)])
        lake.build(of.model)
        assert lake.build(of.model).costs[of.model].rows_written == 0
        lake.expect(of.model, [of.built("new")])
