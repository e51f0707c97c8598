"""Walking a statement scope by scope, and asking DuckDB for the types that a rewrite depends on.

In a scope, innermost expressions come first: once they are rewritten DuckDB can plan what stands around them, so
their types need not be worked out here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from sqlglot import exp

from ...errors import LakekitError
from .functions import refusal
from .rule import whole_call
from .rules import RULES, static_type
from .unnest import Columns, as_lateral, columns_of, joins_its_only_source, unnest_within_source

_NOT_FOUND: Final = re.compile(r'Binder Error: Referenced \w+ "(.*?)"|Catalog Error: Table with name')

Describe = Callable[[str], Sequence[tuple[str, str]]]
"""The names and the types, in DuckDB's words, of a query's columns."""

_LATER: Final = (
    "expressions",
    "where",
    "group",
    "having",
    "qualify",
    "windows",
    "distinct",
    "order",
    "limit",
    "offset",
)


class Scopes:
    """One statement's scopes."""

    def __init__(self, describe: Describe) -> None:
        self._describe = describe

    def rewrite(self, tree: exp.Expr) -> exp.Expr:
        """The statement with everything rewritten that DuckDB would answer differently."""
        holder = exp.Paren(this=tree)
        self._visit(tree)
        if not isinstance(tree, exp.Query):
            self._apply_rules(tree, self._source_of_change(tree))
        rewritten = holder.this
        assert isinstance(rewritten, exp.Expr)
        return rewritten.pop()

    def _visit(self, node: exp.Expr) -> None:
        """Rewrite all queries at or below a node, from the inside out."""
        if with_ := node.args.get("with_"):
            for cte in with_.expressions:
                self._visit(cte)
        if isinstance(node, exp.Select):
            self._select(node)
            return
        for child in _children(node):
            self._visit(child)

    def _select(self, select: exp.Select) -> None:
        if from_ := select.args.get("from_"):
            self._source(select, from_.this, 0)
        for place, join in enumerate(list(select.args.get("joins") or ())):
            self._source(select, join.this, place)
        for lateral in select.args.get("laterals") or ():
            self._visit(lateral)
        for name in _LATER:
            value = select.args.get(name)
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, exp.Expr):
                    self._visit(child)
        for join in select.args.get("joins") or ():
            if on := join.args.get("on"):
                self._visit(on)
        self._apply_rules(select, lambda: _from(select))

    def _source(self, select: exp.Select, source: exp.Expr, joins: int) -> None:
        """Rewrite what stands in FROM, given the ``joins`` that stand before it."""
        self._visit(source)
        if isinstance(source, exp.Unnest):
            before = lambda: _from(select, joins) if source.parent is not select.args.get("from_") else ""  # noqa: E731
            self._apply_rules(source, before)
            columns = columns_of(source, self._types(source.expressions, source, before))
            if joins_its_only_source(select, source) and not self._collides(select, columns):
                unnest_within_source(select, source, columns)
            else:
                source.replace(as_lateral(source, columns))

    def _collides(self, select: exp.Select, columns: Columns) -> bool:
        """Whether what is unnested has a name that its source has, too."""
        names = {name.lower() for _, name in columns}
        found = self._describe(f"{_ctes(select)} select * {_from(select, 0)}")
        return any(name.lower() in names for name, _ in found)

    def _apply_rules(self, scope: exp.Expr, source: Callable[[], str]) -> None:
        """Rewrite the expressions of a scope, those without another one inside them first."""
        pending = [node for node in _own(scope) if type(node) in RULES]
        while pending:
            waiting = {id(node) for node in pending}
            # An aggregate is rewritten together with its filter and window.
            ready = [
                n for n in pending if not any(id(d) in waiting for d in whole_call(n).walk() if d is not n)
            ]
            questions = [operand for node in ready for operand in RULES[type(node)].operands(node)]
            kinds = iter(self._types(questions, scope, source))
            for node in ready:
                rule = RULES[type(node)]
                rule.rewrite(node, [next(kinds) for _ in rule.operands(node)])
            done = {id(node) for node in ready}
            pending = [node for node in pending if id(node) not in done]

    def _types(self, questions: Sequence[exp.Expr], scope: exp.Expr, source: Callable[[], str]) -> list[str]:
        """DuckDB's type of each expression, in capitals."""
        known = [static_type(question) for question in questions]
        asked = [question for question, kind in zip(questions, known, strict=True) if kind is None]
        answers = iter(self._ask(asked, scope, source) if asked else ())
        return [kind or next(answers) for kind in known]

    def _ask(self, questions: Sequence[exp.Expr], scope: exp.Expr, source: Callable[[], str]) -> list[str]:
        grouped = [question for question in questions if question.find(exp.AggFunc)]
        plain = [question for question in questions if not question.find(exp.AggFunc)]
        answers: dict[int, str] = {}
        for asked, groups in ((plain, ""), (grouped, _groups(scope) if grouped else "")):
            if asked:
                columns = ", ".join(f"{question.sql('duckdb')} as lk_{n}" for n, question in enumerate(asked))
                kinds = self._plan(columns, source(), groups, scope, asked)
                answers |= {id(question): kind for question, kind in zip(asked, kinds, strict=True)}
        return [answers[id(question)] for question in questions]

    def _plan(
        self, columns: str, source: str, groups: str, scope: exp.Expr, asked: Sequence[exp.Expr]
    ) -> Sequence[str]:
        query = f"select {columns} {source} {groups}"
        failure: LakekitError | None = None
        while True:
            try:
                return [kind for _, kind in self._describe(f"{_ctes(scope)} {query}")]
            except LakekitError as error:
                failure = failure or error
            # It may speak of a query around it: plan it beside that one's tables.
            outer = scope.parent_select
            if outer is None or not outer.args.get("from_"):
                break
            query = f"select asked.* {_from(outer)} cross join lateral ({query}) as asked"
            scope = outer
        missing = _NOT_FOUND.match(failure.what)
        # It may be a lambda's parameter, of which DuckDB does not know outside of it.
        of_lambda = next((one for one in asked if missing and missing[1] in _parameters(one)), None)
        if missing and of_lambda is None:
            raise failure
        raise refusal(
            of_lambda or asked[0],
            f"its type cannot be told: {str(failure).splitlines()[0]}",
            "name it in a subquery",
        ) from failure

    def _source_of_change(self, tree: exp.Expr) -> Callable[[], str]:
        """What the expressions of an insert, update, delete or merge speak of."""
        target, using = tree.this, tree.args.get("using")
        sources = [
            part.sql("duckdb") for part in (target, using) if isinstance(part, exp.Table | exp.Subquery)
        ]
        return lambda: f"from {' cross join '.join(sources)}" if sources else ""


def _parameters(node: exp.Expr) -> set[str]:
    """The names of the parameters of the lambdas that it stands in."""
    names: set[str] = set()
    while lambda_ := node.find_ancestor(exp.Lambda):
        names |= {parameter.name for parameter in lambda_.expressions}
        node = lambda_
    return names


def _children(node: exp.Expr) -> Iterator[exp.Expr]:
    for name, value in list(node.args.items()):
        if name != "with_":
            for child in list(value) if isinstance(value, list) else [value]:
                if isinstance(child, exp.Expr):
                    yield child


def _own(scope: exp.Expr) -> Iterator[exp.Expr]:
    """The nodes of a scope, without those of the queries inside it."""
    for child in _children(scope):
        if not isinstance(child, exp.Query | exp.From | exp.Unnest | exp.Lateral | exp.Table):
            yield child
            yield from _own(child)


def _from(select: exp.Select, joins: int | None = None) -> str:
    from_ = select.args.get("from_")
    joined = (select.args.get("joins") or [])[:joins]
    laterals = select.args.get("laterals") or []
    return " ".join(part.sql("duckdb") for part in (from_, *joined, *laterals) if part)


def _groups(scope: exp.Expr) -> str:
    """GROUP BY as the scope has it, its ordinals spelled out; aggregates are planned under it."""
    group = scope.args.get("group")
    if group is None:
        return ""
    projections = [projection.unalias() for projection in scope.args["expressions"]]
    ordinals = [key for key in group.expressions if isinstance(key, exp.Literal) and not key.is_string]
    keys = [
        *(projections[int(ordinal.name) - 1] for ordinal in ordinals),
        *(key for key in group.expressions if not isinstance(key, exp.Literal)),
        *group.find_all(exp.Column),
    ]
    return f"group by {', '.join(dict.fromkeys(key.sql('duckdb') for key in keys))}" if keys else ""


def _ctes(scope: exp.Expr) -> str:
    """The common table expressions that a scope can see."""
    seen: list[exp.Expr] = []
    recursive = False
    node: exp.Expr | None = scope
    within: exp.Expr | None = None
    while node is not None:
        if with_ := node.args.get("with_"):
            recursive = recursive or bool(with_.args.get("recursive"))
            visible = []
            for cte in with_.expressions:
                if cte is within and not with_.args.get("recursive"):
                    break
                visible.append(cte)
                if cte is within:
                    break
            seen = [*visible, *seen]
        if isinstance(node, exp.CTE):
            within = node
        node = node.parent
    if not seen:
        return ""
    return f"with {'recursive ' if recursive else ''}{', '.join(cte.sql('duckdb') for cte in seen)}"
