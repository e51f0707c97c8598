"""A run: rules are asked about subjects, and what they find is sifted.

One file's findings depend on other files, but never on another file's findings. So files may be judged in any order, some of
them only, and by several processes.
"""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ..errors import SettingsError, UsageError
from .findings import Finding, Fix, Outcome, locate, ordered
from .registry import chosen, nearest, rules
from .subjects import Model, Reference

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from .facts import Facts
    from .findings import Problem
    from .registry import Check, Rule
    from .subjects import File

UNUSED: Final = "LK901"
NOTHING: Final = "LK902"
UNREADABLE: Final = "LK903"
_BATCH: Final = 250
"""So many files are read before they are judged: doing one thing at a time is a tenth quicker than taking turns."""
_SHORT: Final = 600
"""So many files one process judges sooner than a second one has started."""


class Selection(NamedTuple):
    """Codes that are asked for, or their beginnings; what the call gives wins over what the settings give."""

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()


class Judged(NamedTuple):
    """``texts`` are those that edits of fixes were made for, by path: whoever applies them must find the very same."""

    findings: list[Finding]
    silenced: int
    texts: dict[str, str]


class Judge:
    """Asks the chosen rules with their settings. Raises ``UsageError`` for what is set and cannot be."""

    def __init__(self, facts: Facts, selection: Selection) -> None:
        self._facts = facts
        settings = facts.conventions
        self.known = rules()
        select = selection.select or settings.select
        # Who selects a code in the call means it, whatever the settings ignore.
        ignore = (*selection.ignore, *(code for code in settings.ignore if code not in selection.select))
        self.codes = chosen(self.known, select, ignore)
        if not self.codes:
            raise UsageError(
                "No lint rule is left to judge by.",
                why=f"{', '.join(select) or 'all'} selected, {', '.join(ignore)} ignored",
                todo="ignore less",
            )
        self._settings = {code: _settings(self.known, code, given) for code, given in settings.rules.items()}
        self._silent = [
            (_folder(facts.root, folder) + os.sep, chosen(self.known, codes, ()))
            for folder, codes in settings.folders.items()
            if codes
        ]
        self._plans: dict[tuple[type, Any, bool], list[tuple[Rule, Check]]] = {}

    def judge(self, subjects: Sequence[File], between: Callable[[], None] = lambda: None) -> Judged:
        """Everything that is found in ``subjects``, sorted, and how much is silenced.

        ``between`` is called when each subject has been read, and what models select from is known: before rules are asked
        that go from model to model.
        """
        found: dict[str, list[tuple[str, Problem]]] = {}
        late = any(self.known[code].late for code in self.codes)
        # A rule that only looks at names must not cost a reading of five thousand files.
        commented = len(self.codes) > 1
        for at in range(0, len(subjects), _BATCH):
            batch = subjects[at : at + _BATCH]
            if late:
                for subject in batch:
                    if isinstance(subject, Model):
                        self._facts.parents(subject)
            for subject in batch:
                problems = self._problems(subject, late=False)
                if problems or (commented and not isinstance(subject, Reference) and "noqa" in subject.text):
                    found[subject.path] = problems
                else:
                    self._facts.forget(subject.path)
        between()
        unreadable = {path for path, problems in found.items() if problems and problems[0][0] == UNREADABLE}
        for subject in [one for one in subjects if one.path not in unreadable] if late else ():
            if problems := self._problems(subject, late=True):
                found.setdefault(subject.path, []).extend(problems)
        findings: list[Finding] = []
        texts: dict[str, str] = {}
        silenced = 0
        for path, problems in found.items():
            standing, silent = self._sifted(path, problems)
            findings.extend(standing)
            silenced += silent
            edits = [edit for one in standing if isinstance(one.fix, Fix) for edit in one.fix.edits]
            texts.update((edit.path, self._facts.text(edit.path)) for edit in edits)
            self._facts.forget(path)
        return Judged(ordered(findings), silenced, texts)

    def _problems(self, subject: File, *, late: bool) -> list[tuple[str, Problem]]:
        found: list[tuple[str, Problem]] = []
        for rule, check in self._plan(subject, late=late):
            try:
                found += [(rule.code, problem) for problem in check(subject, self._facts)]
            except Exception as error:
                if rule.is_own:
                    raise
                raise UsageError(
                    f"The lint rule {rule.code} ({rule.check.__module__}) failed.",
                    why=f"at {subject.path}: {type(error).__name__}: {error}",
                    todo=f"mend it, or leave it out: --ignore {rule.code}",
                ) from error
            if found and found[0][0] == UNREADABLE:
                break
        return found

    def _plan(self, subject: File, *, late: bool) -> list[tuple[Rule, Check]]:
        """The rules that a subject is asked by: first whether it can be read, for else nothing is said of it."""
        layer = subject.layer if isinstance(subject, Model) else None
        key = (type(subject), layer, late)
        if key not in self._plans:
            kinds = {kind.__name__ for kind in type(subject).__mro__}
            rules = (
                rule
                for code, rule in self.known.items()
                if code in self.codes
                and rule.late == late
                and rule.subject in kinds
                and rule.layer in {None, layer}
            )
            self._plans[key] = [
                (
                    rule,
                    partial(rule.check, **given) if (given := self._settings.get(rule.code)) else rule.check,
                )
                for rule in sorted(rules, key=lambda rule: (rule.code != UNREADABLE, rule.code))
            ]
        return self._plans[key]

    def _sifted(self, path: str, problems: list[tuple[str, Problem]]) -> tuple[list[Finding], int]:
        text = self._facts.text(path)

        def finding(code: str, one: Problem) -> Finding:
            return Finding(path, *locate(text, one.start, one.end), code, one.message, one.fix)

        found = [finding(code, one) for code, one in problems]
        quiet = {code for folder, codes in self._silent if path.startswith(folder) for code in codes}
        loud = [one for one in found if one.code not in quiet]
        from . import comments  # whoever has nothing to tell has no use for them

        if not (noqas := comments.read(text)):
            return loud, len(found) - len(loud)
        sifted = comments.sift(loud, noqas, self.known, self.codes - {UNUSED})
        standing = list(sifted.standing)
        # Of a broken file nearly nothing was asked.
        if UNUSED in self.codes and UNUSED not in quiet and not self._facts.broken(path):
            check = self.known[UNUSED].check
            standing += [finding(UNUSED, one) for one in check(sifted.unused, self._facts, path=path)]
        return standing, len(found) - len(sifted.standing)


def lint(
    facts: Facts, selection: Selection, files: Collection[str] | None = None, *, processes: int = 1
) -> Outcome:
    """Judge a project, or some of its files (absolute paths; folders are all that is in them).

    With several ``processes`` the work is shared where there is enough of it; the caller has no other threads then.
    """
    judge = Judge(facts, selection)
    subjects = list(facts.subjects(files))
    if processes > 1 and len(subjects) >= _SHORT and len(judge.codes) > 1:
        from .processes import share

        judged = share(judge, facts, subjects, processes)
    else:
        judged = judge.judge(subjects)
    facts.keep(judged.texts)
    findings = judged.findings
    if NOTHING in judge.codes:
        check = judge.known[NOTHING].check
        findings = [
            *findings,
            *(Finding(facts.folder, 1, 1, 1, 1, NOTHING, one.message) for one in check(subjects, facts)),
        ]
    return Outcome(tuple(findings), judged=len(subjects), silenced=judged.silenced)


def _folder(root: str, folder: str) -> str:
    """A folder of ``lint.folders``. Raises ``SettingsError`` where there is none: nothing would ever be ignored below it."""
    path = os.path.normpath(os.path.join(root, folder))
    if not os.path.isdir(path):
        raise SettingsError(
            f"lint.folders names '{folder}', which is no folder of {root}.",
            todo="name it as it is from there, or take it out",
        )
    return path


def _settings(known: dict[str, Rule], code: str, given: dict[str, Any]) -> dict[str, Any]:
    """A rule's settings as its check takes them."""
    if code not in known:
        raise SettingsError(f"lint.rules.{code} is of no rule.", todo=nearest(code, list(known)))
    defaults = known[code].settings
    made = {}
    for name, value in given.items():
        if name not in defaults:
            all_ = ", ".join(defaults) or "none"
            raise SettingsError(f"lint.rules.{code}.{name} is no setting of {code}.", todo=f"it has: {all_}")
        default = defaults[name]
        wanted = list if isinstance(default, tuple) else type(default)
        if type(value) is not wanted or (wanted is list and not _fits(value, default)):
            raise SettingsError(
                f"lint.rules.{code}.{name} is wrong.",
                why=f"it is {value!r}",
                todo=f"write it like {_example(default)}",
            )
        made[name] = tuple(value) if wanted is list else value
    return made


def _fits(value: list[Any], default: tuple[str, ...]) -> bool:
    return all(isinstance(one, str) for one in value) and bool(value or not default)


def _example(default: Any) -> str:
    return str(list(default) or ["…"]) if isinstance(default, tuple) else repr(default)
