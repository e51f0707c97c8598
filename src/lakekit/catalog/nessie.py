"""Nessie as a catalog: branches through its API v2, tables and views through its Iceberg REST endpoint.

Sources: the Nessie API v2 and the Iceberg REST catalog API, as OpenAPI documents of either project.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from threading import Lock
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote as percent

from ..errors import MergeConflict, RefExists, RetractRefused, StackFailed, UsageError
from ..naming import CATALOG, MAIN, PREFIXES, is_hash
from . import views
from .nessie_http import client, error_code, result
from .protocol import Checks, Commit, Entry, Ref, TableId

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import httpx
    from pyiceberg.catalog import Catalog as IcebergCatalog

    from ..stack.endpoints import Endpoints

_CHECKS: Final = "lakekit_checks"
"""The namespace on a branch whose properties say what its checks said; never merged."""

_ATTEMPTS: Final = 5
_RECORD_ATTEMPTS: Final = 30
"""To record takes two requests, and each step of a run does: one of many at once wins."""
_NO_COMMIT: Final = "2e1cfa82b035c26cbbbdae632cea070514eb8b773f616aaeaf668e2f0be8f10d"
"""Where Nessie says a branch is before anything was committed to it."""

_OURS = re.compile(rf"{CATALOG}(_[a-z0-9_]+)?")
_KINDS: Final = {"ICEBERG_TABLE": "table", "ICEBERG_VIEW": "view"}


def catalog_name(ref: str) -> str:
    """The Trino catalog that shows a ref: ``lake`` for main, a name of its own for any other."""
    if ref == MAIN:
        return CATALOG
    slug = re.sub(r"[^a-z0-9]+", "_", ref.lower()).strip("_")[:40]
    return f"{CATALOG}_{slug}_{hashlib.sha256(ref.encode()).hexdigest()[:8]}"


def is_ours(catalog: str) -> bool:
    """Whether a catalog name is one that ``catalog_name`` gives."""
    return _OURS.fullmatch(catalog) is not None


@dataclass(frozen=True, slots=True)
class _View:
    """A view's place, and its metadata as Iceberg REST gives it."""

    id: TableId
    metadata: dict[str, Any]


class NessieCatalog:
    """The refs of one Nessie server."""

    def __init__(self, endpoints: Endpoints) -> None:
        self._endpoints = endpoints
        self._http = client(endpoints)
        self._iceberg: dict[str, IcebergCatalog] = {}
        self._meanings: dict[str, str] = {}
        self._bound: set[Ref] = set()
        """Branches at commits where their views are known to read the branch's own catalog."""
        self._lock = Lock()

    def refs(self) -> list[Ref]:
        found = [Ref(ref["name"], ref["hash"]) for ref in self._pages("/api/v2/trees", "references")]
        return sorted(found, key=lambda ref: (ref.name != MAIN, ref.name))

    def ref(self, name: str) -> Ref:
        if is_hash(name):
            self._get(f"/api/v2/trees/{_path(name)}/history", name, {"max-records": "1"})
            return Ref(name, name)
        return _ref(self._get(f"/api/v2/trees/{percent(name, safe='')}", name)["reference"])

    def create_branch(self, name: str, at: str = MAIN) -> Ref:
        source = self.ref(at)
        if source.hash == _NO_COMMIT:
            source = self._make_layers(at)
        body = {"type": "BRANCH", "name": MAIN if is_hash(at) else at, "hash": source.hash}
        answer = self._http.post("/api/v2/trees", params={"name": name, "type": "BRANCH"}, json=body)
        if error_code(answer) == "REFERENCE_ALREADY_EXISTS":
            raise RefExists(name)
        result(answer)
        return self._bind(name)

    def assign(self, branch: str, to: str) -> Ref:
        if branch == MAIN:
            raise UsageError(f"'{MAIN}' cannot be pointed elsewhere.", why="it is what production reads")
        known = Ref(branch, to) in self._bound
        target = Ref(to, to) if known else self.ref(to)
        body = {"type": "DETACHED"} if is_hash(to) else {"type": "BRANCH", "name": to}
        body["hash"] = target.hash
        result(self._http.put(f"/api/v2/trees/{_path(branch, self.ref(branch).hash)}", json=body))
        return Ref(branch, to) if known else self._bind(branch)

    def _bind(self, branch: str) -> Ref:
        """Let all views on a branch read its own tables; the branch as it then is."""
        found = [id_ for id_, kind, _ in self._contents(branch) if kind == "view"]
        self._rebind(branch, found, catalog_name(branch))
        bound = self.ref(branch)
        self._bound.add(bound)
        return bound

    def delete_branch(self, name: str) -> None:
        ref = self.ref(name)
        result(self._http.delete(f"/api/v2/trees/{_path(name, ref.hash)}"))
        with self._lock:
            self._iceberg.pop(name, None)

    def log(self, ref: str, limit: int = 50) -> list[Commit]:
        return [_commit(entry) for entry in self._history(ref, limit)]

    def base(self, branch: str, onto: str = MAIN) -> str:
        # A merge that is only tried, and would override every conflict, names the common ancestor.
        merge = self._merge_request(branch, onto, isDryRun=True, defaultKeyMergeMode="FORCE")
        return str(result(merge)["commonAncestor"])

    def entries(self, ref: str) -> dict[TableId, Entry]:
        """As the protocol says; a view's pointer stands for its text, whatever catalog it is bound to."""
        return {
            id_: Entry(id_, "view" if kind == "view" else "table", self._pointer(ref, id_, kind, location))
            for id_, kind, location in self._contents(ref)
        }

    def iceberg(self, ref: str) -> IcebergCatalog:
        from .nessie_iceberg import open_at

        at = f"DETACHED@{ref}" if is_hash(ref) else ref
        with self._lock:
            if ref not in self._iceberg:
                self._iceberg[ref] = open_at(self._endpoints, catalog_name(ref), at)
            return self._iceberg[ref]

    def merge(self, branch: str, into: str = MAIN, message: str = "") -> Ref:
        for _ in range(_ATTEMPTS):
            if merged := self._try_merge(branch, into, message):
                return merged
        raise StackFailed(
            f"'{into}' kept changing while '{branch}' was being merged into it.", todo="publish again"
        )

    def _try_merge(self, branch: str, into: str, message: str) -> Ref | None:
        """Merge, unless ``into`` changes in between: then nothing is merged, and the answer is None."""
        base = self.base(branch, into)
        before, after, target = self.entries(base), self.entries(branch), self.entries(into)
        changed = {
            id_
            for id_ in before.keys() | after.keys()
            if _differ(before, after, id_) and _differ(target, after, id_)
        }
        if conflicts := {id_ for id_ in changed if _differ(before, target, id_)}:
            raise self._conflict(branch, into, base, conflicts)
        if not changed:
            return self.ref(into)
        moved = [id_ for id_ in changed if id_ in after and after[id_].kind == "view"]
        self._rebind(branch, moved, catalog_name(into))
        # Views that were only rebound, the record of the checks, and schemas that are there anyway stay out.
        # What came and went on the branch is nothing to Nessie, and must not be spoken of.
        touched = {key for entry in self._since(branch, base) for key in _keys(entry)}
        touched &= {
            tuple(entry["name"]["elements"]) for ref in (base, branch) for entry in self._entries(ref)
        }
        schemas = {
            tuple(entry["name"]["elements"]) for entry in self._entries(into) if entry["type"] == "NAMESPACE"
        }
        stay_out = {
            key
            for key in touched
            if key == (_CHECKS,) or key in schemas or (len(key) == 2 and TableId(*key) not in changed)
        }
        answer = self._merge_request(
            branch,
            into,
            message=message or f"merge {branch}",
            keyMergeModes=[
                {"key": {"elements": list(key)}, "mergeBehavior": "DROP"} for key in sorted(stay_out)
            ],
        )
        if answer.status_code == 409:
            self._rebind(branch, moved, catalog_name(branch))
            return None
        return Ref(into, result(answer)["resultantTargetHash"])

    def retract(self, commit: str, on: str = MAIN, message: str = "") -> Ref:
        [parent] = (entry["parentCommitHash"] for entry in self._history(commit, 1))
        made, before = self.entries(commit), self.entries(parent)
        changed = {id_ for id_ in made.keys() | before.keys() if _differ(made, before, id_)}
        at = self.ref(on)
        now = self.entries(at.hash)
        if later := sorted(str(id_) for id_ in changed if _differ(made, now, id_)):
            raise RetractRefused(commit, on, later)
        contents = {tuple(entry["name"]["elements"]): entry["content"] for entry in self._entries(parent)}
        operations = []
        for id_ in sorted(changed):
            key = (id_.schema, id_.name)
            content = contents.get(key)
            if content and id_ not in made:  # it was dropped: what is made anew gets an identity of its own
                content = {name: value for name, value in content.items() if name != "id"}
            put = {"type": "PUT", "content": content} if content else {"type": "DELETE"}
            operations.append({**put, "key": {"elements": list(key)}})
        body = {"commitMeta": {"message": message or f"retract {commit[:12]}"}, "operations": operations}
        answer = self._http.post(f"/api/v2/trees/{_path(on, at.hash)}/history/commit", json=body)
        return _ref(result(answer)["targetBranch"])

    def record_checks(self, branch: str, results: Mapping[str, bool], *, replace: bool = False) -> None:
        for _ in range(_RECORD_ATTEMPTS):
            if self._try_record(branch, results, replace=replace):
                return
        raise StackFailed(f"Others kept recording checks on '{branch}'.", todo="build again")

    def _try_record(self, branch: str, results: Mapping[str, bool], *, replace: bool) -> bool:
        """Record, unless someone else does in between: then nothing is."""
        at = self.ref(branch)
        known = self._checks(at.hash)
        earlier = json.loads(known["properties"]["results"]) if known and not replace else {}
        merged = {**earlier, **results}
        failed = sum(not passed for passed in merged.values())
        content = {"type": "NAMESPACE", "elements": [_CHECKS], "properties": {"results": json.dumps(merged)}}
        if known:
            content["id"] = known["id"]
        operation = {"type": "PUT", "key": {"elements": [_CHECKS]}, "content": content}
        message = f"checks: {len(merged) - failed} passed, {failed} failed"
        path = f"/api/v2/trees/{_path(branch, at.hash)}/history/commit"
        answer = self._http.post(path, json={"commitMeta": {"message": message}, "operations": [operation]})
        if answer.status_code == 409:
            return False
        result(answer)
        return True

    def checks(self, branch: str) -> Checks:
        known = self._checks(branch)
        if not known:
            return Checks()
        newest = next(self._history(branch))
        return Checks(json.loads(known["properties"]["results"]), fresh=_keys(newest) == {(_CHECKS,)})

    def close(self) -> None:
        self._http.close()

    def _make_layers(self, branch: str) -> Ref:
        """Give an empty lake its first commit: branches without a common ancestor could never be merged."""
        schemas = [layer.value for layer in PREFIXES]
        puts = [
            {
                "type": "PUT",
                "key": {"elements": [schema]},
                "content": {"type": "NAMESPACE", "elements": [schema]},
            }
            for schema in schemas
        ]
        body = {"commitMeta": {"message": f"make the schemas {', '.join(schemas)}"}, "operations": puts}
        path = f"/api/v2/trees/{_path(branch, _NO_COMMIT)}/history/commit"
        answer = self._http.post(path, json=body)
        if error_code(answer) == "REFERENCE_CONFLICT":  # someone else has just made them
            return self.ref(branch)
        return _ref(result(answer)["targetBranch"])

    def _checks(self, branch: str) -> dict[str, Any] | None:
        answer = self._http.get(f"/api/v2/trees/{_path(branch)}/contents/{_CHECKS}")
        if error_code(answer) == "CONTENT_NOT_FOUND":
            return None
        content: dict[str, Any] = result(answer, branch)["content"]
        return content

    def _entries(self, ref: str) -> Iterator[dict[str, Any]]:
        return self._pages(f"/api/v2/trees/{_path(ref)}/entries", "entries", ref, {"content": "true"})

    def _contents(self, ref: str) -> list[tuple[TableId, str, str]]:
        return [
            (TableId(*entry["name"]["elements"]), _KINDS[entry["type"]], entry["content"]["metadataLocation"])
            for entry in self._entries(ref)
            if entry["type"] in _KINDS
        ]

    def _pointer(self, ref: str, id_: TableId, kind: str, location: str) -> str:
        if kind == "table":
            return location
        if location not in self._meanings:  # a metadata file never changes
            self._meanings[location] = views.meaning(self._view(ref, id_).metadata, is_ours, CATALOG)
        return self._meanings[location]

    def _view(self, ref: str, id_: TableId) -> _View:
        return _View(id_, self._get(self._view_path(ref, id_), ref)["metadata"])

    def _view_path(self, ref: str, id_: TableId) -> str:
        at = f"DETACHED@{ref}" if is_hash(ref) else ref
        prefix = percent(f"{at}|{self._endpoints.warehouse}", safe="")
        return f"/iceberg/v1/{prefix}/namespaces/{percent(id_.schema, safe='')}/views/{percent(id_.name, safe='')}"

    def _rebind(self, branch: str, ids: list[TableId], catalog: str) -> None:
        """Make views on a branch read the tables of a Trino catalog."""
        for id_ in ids:
            metadata = self._view(branch, id_).metadata
            if version := views.rebound_version(metadata, is_ours, catalog):
                update = {
                    "requirements": [{"type": "assert-view-uuid", "uuid": metadata["view-uuid"]}],
                    "updates": [
                        {"action": "add-view-version", "view-version": version},
                        {"action": "set-current-view-version", "view-version-id": -1},
                    ],
                }
                result(self._http.post(self._view_path(branch, id_), json=update))

    def _merge_request(self, branch: str, into: str, **how: Any) -> httpx.Response:
        source, target = self.ref(branch), self.ref(into)
        body = {"fromRefName": branch, "fromHash": source.hash, **how}
        return self._http.post(f"/api/v2/trees/{_path(into, target.hash)}/history/merge", json=body)

    def _conflict(self, branch: str, into: str, base: str, ids: set[TableId]) -> MergeConflict:
        ours, theirs = self._last_touched(into, base), self._last_touched(branch, base)
        names = sorted(ids)
        return MergeConflict(
            branch,
            into,
            {str(id_): ours.get(id_, base) for id_ in names},
            {str(id_): theirs.get(id_, base) for id_ in names},
        )

    def _last_touched(self, ref: str, base: str) -> dict[TableId, str]:
        found: dict[TableId, str] = {}
        for entry in self._since(ref, base):
            for id_ in _commit(entry).tables:
                found.setdefault(id_, entry["commitMeta"]["hash"])
        return found

    def _since(self, ref: str, base: str) -> Iterator[dict[str, Any]]:
        for entry in self._history(ref):
            if entry["commitMeta"]["hash"] == base:
                return
            yield entry

    def _history(self, ref: str, limit: int | None = None) -> Iterator[dict[str, Any]]:
        found = self._pages(f"/api/v2/trees/{_path(ref)}/history", "logEntries", ref, {"fetch": "ALL"})
        return islice(found, limit)

    def _pages(
        self, path: str, field: str, ref: str = "", params: Mapping[str, str] | None = None
    ) -> Iterator[dict[str, Any]]:
        page: dict[str, Any] = {"hasMore": True}
        token: dict[str, str] = {}
        while page["hasMore"]:
            page = self._get(path, ref, {**(params or {}), **token})
            yield from page[field]
            token = {"page-token": page["token"] or ""}

    def _get(self, path: str, ref: str = "", params: Mapping[str, str] | None = None) -> dict[str, Any]:
        return result(self._http.get(path, params=params), ref)


def _path(ref: str, hash_: str = "") -> str:
    """A ref as Nessie's paths have it: ``name``, ``name@hash``, or a commit that needs no name."""
    if is_hash(ref):
        return f"DETACHED@{ref}"
    return percent(ref, safe="") + (f"@{hash_}" if hash_ else "")


def _ref(found: dict[str, Any]) -> Ref:
    return Ref(found["name"], found["hash"])


def _differ(one: dict[TableId, Entry], other: dict[TableId, Entry], id_: TableId) -> bool:
    return one.get(id_) != other.get(id_)


def _keys(entry: dict[str, Any]) -> set[tuple[str, ...]]:
    return {tuple(operation["key"]["elements"]) for operation in entry.get("operations") or ()}


def _commit(entry: dict[str, Any]) -> Commit:
    meta = entry["commitMeta"]
    return Commit(
        meta["hash"],
        meta["message"],
        datetime.fromisoformat(meta["commitTime"]),
        tuple(sorted(TableId(*key) for key in _keys(entry) if len(key) == 2)),
    )
