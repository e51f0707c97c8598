"""LK9: the run itself."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ..dbt_project import FILE
from ..findings import Problem
from ..registry import rule

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..comments import Code, Noqa
    from ..facts import Facts
    from ..subjects import File


@rule("LK901")
def unused_noqa(unused: Sequence[tuple[Noqa, Code]], facts: Facts, *, path: str = "") -> Iterator[Problem]:
    """A silencing comment silences something.

    Codes of other tools are left alone, and so is a bare ``noqa``. ``--fix`` takes the code out, or the whole comment.
    """
    from ..comments import without

    for noqa, code in unused:
        others = [other for one, other in unused if one is noqa]
        yield Problem(
            f"nothing is silenced by 'noqa: {code.text}'",
            code.start,
            code.end,
            without(path, facts.text(path), noqa, others),
        )


@rule("LK902")
def nothing_matched(subjects: Sequence[File], facts: Facts) -> Iterator[Problem]:
    """A run judges something: no file at all means that a path is wrong, and ends with exit code 2.

    So does one of the model-paths that is not there: dbt says nothing, and builds nothing of it. Of ``models``, which dbt takes
    where none are named, nothing is said: a package of macros has no models.

    Where files are given by a tool that knows nothing of the project (pre-commit), leave the rule out: ``--ignore LK902``.
    """
    if not subjects:
        yield Problem(
            f"no file of the dbt project '{facts.dbt.name}' was judged: "
            f"its model-paths are {', '.join(facts.dbt.model_paths)}"
        )
        return
    for path in facts.dbt.model_paths:
        if path != "models" and not os.path.isdir(os.path.join(facts.folder, path)):
            yield Problem(f"there is no folder '{path}', which is one of the model-paths in {FILE}")


@rule("LK903")
def unreadable_file(file: File, facts: Facts) -> Iterator[Problem]:
    """A file can be read for what it is: SQL with Jinja, YAML, JSON, all in UTF-8.

    The others are judged all the same; of this one nothing else is said.
    """
    if broken := facts.broken(file.path):
        yield Problem(broken.why, broken.start, broken.end)
