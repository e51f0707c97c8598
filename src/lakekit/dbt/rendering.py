"""Rendering a model's Jinja out of what it was answered before, so that a change of its SQL needs no dbt.

While dbt renders a model, every value that its Jinja names and every call that it makes are written down with what
came of them: a memo. A model whose SQL has changed between its Jinja is rendered from the memo: plain Jinja, whose
names answer as they did. What the memo does not know (another ref, a changed config) raises ``Unknown``; dbt knows.
"""

from __future__ import annotations

import json
from copy import deepcopy
from functools import cache, wraps
from typing import TYPE_CHECKING, Any, Final, Self

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_OF_JINJA: Final = ("__", "jinja_")
"""How attributes begin that Jinja itself looks for."""

_PLAIN: Final = (str, int, float, bool, type(None), list, dict)


class Memo(msgspec.Struct, frozen=True, array_like=True):
    """What names stand for, and what calls gave: ``ref``, then ``["int_shopify__orders"]`` → its relation."""

    values: dict[str, Any]
    calls: dict[str, Any]


class Unknown(Exception):
    """The memo does not know, or what is asked cannot be kept in one."""


class Relation(str):
    """A table's name in SQL, told apart from other texts: a macro may treat it otherwise."""

    __slots__ = ()


def memorise(
    sql: str, compiled: str, context: Mapping[str, Any], is_relation: Callable[[object], bool]
) -> Memo | None:
    """Render a model in dbt's own context and write down what its Jinja was answered; None if that cannot be kept.

    What was written down must be enough to give what dbt ``compiled`` before it is trusted.
    """
    memo = Memo({}, {})
    try:
        names = _names(sql)
        proxies = {name: _listen(name, context[name], memo, is_relation) for name in names if name in context}
        _render(sql, proxies)
        return memo if render(sql, memo) == compiled else None
    except Unknown:
        return None


def render(sql: str, memo: Memo) -> str:
    """Render a model from a memo; raises ``Unknown``."""
    asked: dict[str, None] = {}
    rendered = _render(sql, {name: _Known(name, memo, asked).value() for name in _names(sql)})
    if list(asked) != list(memo.calls):
        raise Unknown  # a model without its config is another model, and one that calls in another order may be
    return rendered


def _names(sql: str) -> set[str]:
    from jinja2 import meta
    from jinja2.exceptions import TemplateError

    environment = _environment()
    try:
        names: set[str] = meta.find_undeclared_variables(environment.parse(sql))
        return names.difference(environment.globals)
    except TemplateError as error:
        raise Unknown from error


def _render(sql: str, names: Mapping[str, Any]) -> str:
    try:
        return str(_environment().from_string(sql).render(names))
    except Exception as error:  # whatever a template may do to what stands for something else
        raise Unknown from error


@cache
def _environment() -> Any:
    from jinja2 import Environment, StrictUndefined

    made = Environment(extensions=["jinja2.ext.do"], undefined=StrictUndefined)  # noqa: S701 - it is SQL, no page
    tests: dict[str, Any] = made.tests
    made.tests = {name: _of_what_is_known(test) for name, test in tests.items()}
    return made


def _of_what_is_known(test: Any) -> Any:
    """One of Jinja's tests (``is defined``), but of what stands for something of dbt's it cannot tell."""

    @wraps(test)
    def tested(*values: Any, **named: Any) -> Any:
        if any(isinstance(value, _Known) for value in (*values, *named.values())):
            raise Unknown
        return test(*values, **named)

    return tested


class _Listening:
    """Stands for something of dbt's while a model is rendered, and writes down what it is asked."""

    def __init__(self, name: str, thing: Any, memo: Memo, is_relation: Callable[[object], bool]) -> None:
        self._name, self._thing, self._memo, self._is_relation = name, thing, memo, is_relation

    def __call__(self, *given: Any, **named: Any) -> Any:
        asked = _call(self._name, given, named)
        answer = self._thing(
            *map(_thing_of, given), **{name: _thing_of(value) for name, value in named.items()}
        )
        if self._is_relation(answer):
            self._memo.calls[asked] = {"relation": str(answer)}
            return _Held(str(answer), answer)
        self._memo.calls[asked] = _plain(answer)
        return answer

    def __getattr__(self, name: str) -> Any:
        if name.startswith(_OF_JINJA):
            raise AttributeError(name)
        thing = self._thing[name] if isinstance(self._thing, dict) else getattr(self._thing, name)
        return _listen(f"{self._name}.{name}", thing, self._memo, self._is_relation)

    def __str__(self) -> str:
        raise Unknown


class _Held(Relation):
    """A relation's name, and the relation itself for the macros that it is given to."""

    thing: Any

    def __new__(cls, text: str, thing: Any) -> Self:
        made = super().__new__(cls, text)
        made.thing = thing
        return made


def _listen(name: str, thing: Any, memo: Memo, is_relation: Callable[[object], bool]) -> Any:
    if is_relation(thing):
        memo.values[name] = {"relation": str(thing)}
        return _Held(str(thing), thing)
    try:
        memo.values[name] = _plain(thing)
    except Unknown:  # a macro, a package of macros, dbt's own
        return _Listening(name, thing, memo, is_relation)
    return thing


class _Known:
    """Stands for something of dbt's, and answers from a memo."""

    def __init__(self, name: str, memo: Memo, asked: dict[str, None]) -> None:
        self._name, self._memo, self._asked = name, memo, asked

    def value(self) -> Any:
        if self._name in self._memo.values:
            return _answer(self._memo.values[self._name])
        return self

    def __call__(self, *given: Any, **named: Any) -> Any:
        asked = _call(self._name, given, named)
        if asked not in self._memo.calls:
            raise Unknown(asked)
        self._asked[asked] = None
        return _answer(self._memo.calls[asked])

    def __getattr__(self, name: str) -> Any:
        if name.startswith(_OF_JINJA):
            raise AttributeError(name)
        return _Known(f"{self._name}.{name}", self._memo, self._asked).value()

    def _cannot_tell(self, *_: object) -> Any:
        raise Unknown(self._name)

    __str__ = __bool__ = __eq__ = __ne__ = __hash__ = _cannot_tell


def _call(name: str, given: tuple[Any, ...], named: Mapping[str, Any]) -> str:
    """A call as text: the same for the same arguments."""
    return (
        f"{name}{json.dumps([list(map(_plain, given)), {key: _plain(named[key]) for key in sorted(named)}])}"
    )


def _plain(value: Any) -> Any:
    """A value as JSON holds it; raises ``Unknown`` where it does not."""
    if isinstance(value, Relation):
        return {"relation": str(value)}
    if isinstance(value, str):  # Jinja's Markup, too
        return str(value)
    if not isinstance(value, _PLAIN):
        raise Unknown
    try:
        kept = json.loads(json.dumps(value))
    except (TypeError, ValueError) as error:
        raise Unknown from error
    if kept != value:
        raise Unknown
    return kept


def _answer(kept: Any) -> Any:
    if isinstance(kept, dict) and kept.keys() == {"relation"}:
        return Relation(kept["relation"])
    return deepcopy(kept)  # a template may append to a list


def _thing_of(value: Any) -> Any:
    return value.thing if isinstance(value, _Held) else value
