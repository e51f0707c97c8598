"""The language server as an editor has it: a process that speaks the protocol on its stdin and stdout."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pygls.lsp.client import LanguageClient
from pygls.uris import from_fs_path, to_fs_path

from lakekit.lint import baseline, opening
from lakekit.lint.run import Selection, lint
from lakekit.lint.server.positions import Places
from lakekit.scaffold import new

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

ABLE = types.ClientCapabilities(
    workspace=types.WorkspaceClientCapabilities(
        workspace_edit=types.WorkspaceEditClientCapabilities(
            document_changes=True,
            resource_operations=[types.ResourceOperationKind.Create, types.ResourceOperationKind.Rename],
        ),
        did_change_watched_files=types.DidChangeWatchedFilesClientCapabilities(dynamic_registration=True),
    )
)
COHORTS = "orchestration/assets/marts/fct_customer_cohorts.sql"
ORDERS = "orchestration/assets/core/shopify/int_shopify__orders.sql"
PROPERTIES = "orchestration/assets/core/shopify/_shopify__core.yml"


class Editor:
    """One with a project open: what it was told, and its open files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.client = LanguageClient("editor", "1")
        self.told: dict[str, list[types.Diagnostic]] = {}
        self.said: list[str] = []
        self.watches: list[Any] = []
        self._news = asyncio.Event()
        self._versions: dict[str, int] = {}

        @self.client.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
        def hear(params: types.PublishDiagnosticsParams) -> None:
            path = Path(to_fs_path(params.uri) or "").relative_to(self.folder)
            self.told[str(path)] = list(params.diagnostics)
            self._news.set()

        @self.client.feature(types.WINDOW_SHOW_MESSAGE)
        def show(params: types.ShowMessageParams) -> None:
            self.said.append(params.message)
            self._news.set()

        @self.client.feature(types.CLIENT_REGISTER_CAPABILITY)
        def watch(params: types.RegistrationParams) -> None:
            self.watches.extend(params.registrations)
            self._news.set()

    @property
    def process(self) -> asyncio.subprocess.Process:
        process = self.client._server
        assert process
        return process

    async def start(self, capabilities: types.ClientCapabilities) -> types.InitializeResult:
        await self.client.start_io(sys.executable, "-m", "lakekit", "lsp")
        root = from_fs_path(str(self.folder))
        assert root
        answer = await self.client.initialize_async(
            types.InitializeParams(
                capabilities,
                process_id=os.getpid(),
                workspace_folders=[types.WorkspaceFolder(root, "project")],
            )
        )
        self.client.initialized(types.InitializedParams())
        return answer

    async def until(self, holds: Callable[[], Any]) -> None:
        """Wait until what was told so far is as it should be."""
        try:
            async with asyncio.timeout(20):
                while not holds():
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"told: {self.codes()}, said: {self.said}") from None

    def codes(self) -> dict[str, list[Any]]:
        return {path: [one.code for one in found] for path, found in self.told.items() if found}

    # What a person does

    def identifier(self, path: str) -> types.TextDocumentIdentifier:
        return types.TextDocumentIdentifier(from_fs_path(str(self.folder / path)) or "")

    def text(self, path: str) -> str:
        return (self.folder / path).read_bytes().decode()

    def open(self, path: str) -> None:
        self._versions[path] = 1
        item = types.TextDocumentItem(self.identifier(path).uri, "sql", 1, self.text(path))
        self.client.text_document_did_open(types.DidOpenTextDocumentParams(item))

    def type(self, path: str, text: str) -> None:
        self._versions[path] += 1
        self.client.text_document_did_change(
            types.DidChangeTextDocumentParams(
                types.VersionedTextDocumentIdentifier(self._versions[path], self.identifier(path).uri),
                [types.TextDocumentContentChangeWholeDocument(text)],
            )
        )

    def save(self, path: str, text: str) -> None:
        (self.folder / path).write_text(text)
        self.client.text_document_did_save(types.DidSaveTextDocumentParams(self.identifier(path)))

    async def rename(self, path: str, position: types.Position, name: str) -> types.WorkspaceEdit | None:
        return await self.client.text_document_rename_async(
            types.RenameParams(self.identifier(path), position, name)
        )

    async def actions(self, path: str, where: types.Range) -> list[types.CodeAction]:
        context = types.CodeActionContext(self.told.get(path, []))
        found = await self.client.text_document_code_action_async(
            types.CodeActionParams(self.identifier(path), where, context)
        )
        return [one for one in found or () if isinstance(one, types.CodeAction)]

    def apply(self, edit: types.WorkspaceEdit | None) -> list[str]:
        """Do to the files what an edit says; the names of those that it touches."""
        assert edit
        assert edit.document_changes
        touched = []
        for change in edit.document_changes:
            if isinstance(change, types.RenameFile):
                Path(to_fs_path(change.old_uri) or "").rename(to_fs_path(change.new_uri) or "")
                touched.append(Path(change.new_uri).name)
            elif isinstance(change, types.TextDocumentEdit):
                path = Path(to_fs_path(change.text_document.uri) or "")
                text = path.read_bytes().decode()
                places = Places(text)
                for one in sorted(change.edits, key=lambda each: each.range.start, reverse=True):
                    assert isinstance(one, types.TextEdit)
                    start, end = places.offset(one.range.start), places.offset(one.range.end)
                    text = text[:start] + one.new_text + text[end:]
                path.write_bytes(text.encode())
                touched.append(path.name)
        return touched


@asynccontextmanager
async def editing(folder: Path, capabilities: types.ClientCapabilities = ABLE) -> AsyncIterator[Editor]:
    """An editor in a project, that says goodbye as it should."""
    editor = Editor(folder)
    await editor.start(capabilities)
    try:
        yield editor
    finally:
        if editor.process.returncode is None:
            await editor.client.shutdown_async(None)
            editor.client.exit(None)
        async with asyncio.timeout(10):
            await editor.process.wait()
        assert editor.process.stderr
        assert await editor.process.stderr.read() == b""
        await editor.client.stop()


def clean(folder: Path) -> None:
    facts = opening.load(*opening.at(str(folder)))
    assert lint(facts, Selection()).findings == ()


def place(text: str, word: str, *, within: int = 0) -> types.Position:
    return Places(text).position(text.index(word) + within)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return new(tmp_path / "shop")


def test_findings_are_told_at_the_start_of_files_that_are_not_open(shop: Path) -> None:
    (shop / COHORTS).write_text("select 1 as one\nfrom {{ ref('stg_shopify__orders') }}\n")

    async def story() -> None:
        async with editing(shop) as editor:
            await editor.until(lambda: COHORTS in editor.codes())
            (found,) = [one for one in editor.told[COHORTS] if one.code == "LK203"]
            assert found.range == types.Range(types.Position(1, 13), types.Position(1, 32))
            assert found.source == "lakekit"
            assert found.message.startswith("'fct_customer_cohorts' (marts) selects from")

    asyncio.run(story())


def test_what_is_typed_is_judged_before_it_is_saved(shop: Path) -> None:
    text = (shop / COHORTS).read_text()

    async def story() -> None:
        async with editing(shop) as editor:
            editor.open(COHORTS)
            editor.type(COHORTS, text.replace("int_shopify__orders", "int_shopify__order"))
            await editor.until(lambda: editor.codes() == {COHORTS: ["LK204"]})
            editor.type(COHORTS, text)
            await editor.until(lambda: editor.codes() == {})
            assert COHORTS in editor.told

    asyncio.run(story())
    assert (shop / COHORTS).read_text() == text


def test_one_open_file_is_judged_by_what_is_typed_in_another(shop: Path) -> None:
    properties = (shop / PROPERTIES).read_text()

    async def story() -> None:
        async with editing(shop) as editor:
            editor.open(PROPERTIES)
            editor.open(ORDERS)
            editor.type(
                PROPERTIES, properties.replace("name: int_shopify__orders", "name: int_shopify__order")
            )
            await editor.until(lambda: ORDERS in editor.codes() and PROPERTIES in editor.codes())
            assert "LK504" in editor.codes()[PROPERTIES]
            editor.type(PROPERTIES, properties)
            await editor.until(lambda: editor.codes() == {})

    asyncio.run(story())


def test_a_save_tells_of_every_file(shop: Path) -> None:
    async def story() -> None:
        async with editing(shop) as editor:
            editor.open(ORDERS)
            text = editor.text(ORDERS)
            (shop / "orchestration/assets/core/shopify/int_shopify__refunds.sql").unlink()
            editor.save(ORDERS, text)
            await editor.until(lambda: "orchestration/assets/marts/fct_daily_sales.sql" in editor.codes())

    asyncio.run(story())


def test_changes_on_disk_are_seen_where_the_editor_watches(shop: Path) -> None:
    async def story() -> None:
        async with editing(shop) as editor:
            await editor.until(lambda: editor.watches)
            assert editor.watches[0].method == types.WORKSPACE_DID_CHANGE_WATCHED_FILES
            (shop / COHORTS).write_text("select 1 as one from {{ ref('nothing') }}\n")
            change = types.FileEvent(editor.identifier(COHORTS).uri, types.FileChangeType.Changed)
            editor.client.workspace_did_change_watched_files(types.DidChangeWatchedFilesParams([change]))
            await editor.until(lambda: "LK204" in editor.codes().get(COHORTS, []))

    asyncio.run(story())


@pytest.mark.parametrize("path", ["orchestration/target/manifest.json", ".lakekit/lake/orders.json"])
def test_what_programs_write_is_not_seen(shop: Path, path: str) -> None:
    async def story() -> None:
        async with editing(shop) as editor:
            editor.open(COHORTS)
            await asyncio.sleep(1)  # what it does at the start is done
            (shop / ORDERS).write_text("select 1 as one from {{ ref('nothing') }}\n")
            change = types.FileEvent(editor.identifier(path).uri, types.FileChangeType.Created)
            editor.client.workspace_did_change_watched_files(types.DidChangeWatchedFilesParams([change]))
            await asyncio.sleep(1)
            assert editor.codes() == {}

    asyncio.run(story())


def test_places_count_as_the_protocol_does(shop: Path) -> None:
    text = "/* 🦆 */ select 1 as ü, '🦆🦆' as d from {{ ref('gone') }}\r\n"

    async def story() -> None:
        async with editing(shop) as editor:
            editor.open(COHORTS)
            editor.type(COHORTS, text)
            await editor.until(lambda: "LK204" in editor.codes().get(COHORTS, []))
            (found,) = [one for one in editor.told[COHORTS] if one.code == "LK204"]
            start = len(text[: text.index("gone")].encode("utf-16-le")) // 2
            assert found.range == types.Range(types.Position(0, start), types.Position(0, start + 4))

    asyncio.run(story())


@pytest.mark.parametrize("text", ["", "a🦆b\r\nc\rd\n\n🦆", "\r\n\r\n", "no end"])
@pytest.mark.parametrize("encoding", list(types.PositionEncodingKind))
def test_every_place_leads_there_and_back(text: str, encoding: types.PositionEncodingKind) -> None:
    places = Places(text, encoding)
    offsets = [offset for offset in range(len(text) + 1) if text[offset - 1 : offset + 1] != "\r\n"]
    assert [places.offset(places.position(offset)) for offset in offsets] == offsets
    assert places.offset(types.Position(99, 0)) == len(text)


def test_a_rename_in_a_ref_reaches_all_files(shop: Path) -> None:
    async def story() -> None:
        async with editing(shop) as editor:
            editor.open(COHORTS)
            where = place(editor.text(COHORTS), "int_shopify__orders", within=4)
            asked = await editor.client.text_document_prepare_rename_async(
                types.PrepareRenameParams(editor.identifier(COHORTS), where)
            )
            assert isinstance(asked, types.PrepareRenamePlaceholder)
            assert asked.placeholder == "int_shopify__orders"
            assert asked.range.end.character - asked.range.start.character == len("int_shopify__orders")
            touched = editor.apply(await editor.rename(COHORTS, where, "int_shopify__purchases"))
            assert touched[-1] == "int_shopify__purchases.sql"
            assert {Path(COHORTS).name, Path(PROPERTIES).name, "fct_daily_sales.sql"} <= set(touched)

    asyncio.run(story())
    clean(shop)
    assert "int_shopify__orders" not in "".join(
        file.read_text() for file in shop.glob("orchestration/assets/**/*.sql")
    )


@pytest.mark.parametrize(
    ("path", "word"),
    [(ORDERS, "group by"), (PROPERTIES, "int_shopify__orders")],
    ids=["its file", "its entry"],
)
def test_a_rename_where_the_model_is_at_home(shop: Path, path: str, word: str) -> None:
    async def story() -> None:
        async with editing(shop) as editor:
            editor.open(path)
            editor.apply(
                await editor.rename(path, place(editor.text(path), word, within=1), "int_shopify__sales")
            )

    asyncio.run(story())
    clean(shop)
    assert (shop / "orchestration/assets/core/shopify/int_shopify__sales.sql").exists()


def test_a_rename_goes_by_what_is_typed(shop: Path) -> None:
    async def story() -> None:
        async with editing(shop) as editor:
            editor.open(COHORTS)
            typed = f"-- typed\n{editor.text(COHORTS)}"
            editor.type(COHORTS, typed)
            edit = await editor.rename(COHORTS, place(typed, "int_shopify__orders"), "int_shopify__sales")
            assert edit
            assert edit.document_changes
            (own,) = [
                change
                for change in edit.document_changes
                if isinstance(change, types.TextDocumentEdit)
                and change.text_document.uri == editor.identifier(COHORTS).uri
            ]
            assert own.text_document.version == 2
            assert [one.range.start for one in own.edits] == [place(typed, "int_shopify__orders")]

    asyncio.run(story())


@pytest.mark.parametrize("word", ["shopify', 'orders", "gone"])
def test_where_no_model_is_named_there_is_none_to_rename(shop: Path, word: str) -> None:
    text = "select {{ source('shopify', 'orders') }}, {{ ref('gone') }}"

    async def story() -> None:
        async with editing(shop) as editor:
            editor.open(ORDERS)
            editor.type(ORDERS, text)
            asked = types.PrepareRenameParams(editor.identifier(ORDERS), place(text, word, within=1))
            assert await editor.client.text_document_prepare_rename_async(asked) is None

    asyncio.run(story())


@pytest.mark.parametrize(
    ("name", "why"),
    [("int_shopify__refunds", "there is a 'int_shopify__refunds' already"), ("a b", "'a b' is no name")],
)
def test_a_rename_that_cannot_be_says_why(shop: Path, name: str, why: str) -> None:
    async def story() -> None:
        async with editing(shop) as editor:
            editor.open(ORDERS)
            with pytest.raises(JsonRpcException, match=why):
                await editor.rename(ORDERS, types.Position(0, 0), name)

    asyncio.run(story())


def test_an_editor_that_cannot_rename_files_is_told_so(shop: Path) -> None:
    async def story() -> None:
        async with editing(shop, types.ClientCapabilities()) as editor:
            editor.open(ORDERS)
            with pytest.raises(JsonRpcException, match="lets no server rename files"):
                await editor.rename(ORDERS, types.Position(0, 0), "int_shopify__sales")

    asyncio.run(story())


def test_a_fix_is_an_action(shop: Path) -> None:
    text = "select order_id from shopify.orders\n"

    async def story() -> None:
        async with editing(shop) as editor:
            editor.open(COHORTS)
            editor.type(COHORTS, text)
            await editor.until(lambda: "LK205" in editor.codes().get(COHORTS, []))
            (action,) = await editor.actions(COHORTS, types.Range(*[place(text, "shopify", within=2)] * 2))
            assert action.title == "LK205: write {{ source('shopify', 'orders') }}"
            assert action.edit
            assert action.edit.document_changes
            (change,) = action.edit.document_changes
            assert isinstance(change, types.TextDocumentEdit)
            (edit,) = change.edits
            assert isinstance(edit, types.TextEdit)
            assert edit.new_text == "{{ source('shopify', 'orders') }}"
            assert edit.range == types.Range(place(text, "shopify"), types.Position(0, len(text) - 1))
            assert (
                await editor.actions(COHORTS, types.Range(types.Position(0, 1), types.Position(0, 2))) == []
            )

    asyncio.run(story())


def test_an_action_renames_a_model_whose_name_is_wrong(shop: Path) -> None:
    wrong = "orchestration/assets/core/shopify/orders.sql"
    (shop / ORDERS).rename(shop / wrong)
    for file in shop.glob("orchestration/**/*.[sy][qm]l"):
        file.write_text(file.read_text().replace("int_shopify__orders", "orders"))

    async def story() -> None:
        async with editing(shop) as editor:
            editor.open(wrong)
            await editor.until(lambda: editor.codes().get(wrong) == ["LK102"])
            (action,) = await editor.actions(wrong, types.Range(*[types.Position(0, 3)] * 2))
            assert action.title == "LK102: rename orders to int_shopify__orders"
            editor.apply(action.edit)

    asyncio.run(story())
    assert (shop / ORDERS).exists()


def test_the_manual_is_shown_where_the_finding_is(shop: Path) -> None:
    text = "select order_id from {{ ref('stg_shopify__orders') }}\n"

    async def story() -> None:
        async with editing(shop) as editor:
            editor.open(COHORTS)
            editor.type(COHORTS, text)
            where = place(text, "stg_")
            shown = await editor.client.text_document_hover_async(
                types.HoverParams(editor.identifier(COHORTS), where)
            )
            assert shown
            assert isinstance(shown.contents, types.MarkupContent)
            assert shown.contents.value.startswith("LK203 mart-selects-from-core\n\nA mart selects from core")
            nothing = types.HoverParams(editor.identifier(COHORTS), types.Position(0, 1))
            assert await editor.client.text_document_hover_async(nothing) is None

    asyncio.run(story())


def test_broken_settings_are_said_once_and_end_with_their_mending(shop: Path) -> None:
    settings = (shop / "lakekit.toml").read_text()

    async def story() -> None:
        async with editing(shop) as editor:
            editor.open(COHORTS)
            text = editor.text(COHORTS)
            (shop / "lakekit.toml").write_text(f"{settings}\n[lint]\nselect = ['LK999']\n")
            editor.type(COHORTS, text)
            await editor.until(lambda: editor.said)
            editor.type(COHORTS, text)
            (shop / "lakekit.toml").write_text("[lint\n")
            editor.type(COHORTS, text)
            await editor.until(lambda: len(editor.said) > 1)
            (shop / "lakekit.toml").write_text(settings)
            editor.type(COHORTS, text.replace("int_shopify__orders", "gone"))
            await editor.until(lambda: editor.codes() == {COHORTS: ["LK204"]})
            assert [line.split("\n")[0] for line in editor.said] == [
                "There is no lint rule 'LK999'.",
                f"{shop}/lakekit.toml is not valid TOML.",
            ]

    asyncio.run(story())


def test_comments_settings_and_the_baseline_hold(shop: Path) -> None:
    bad = "select order_id from {{ ref('stg_shopify__orders') }}"
    (shop / COHORTS).write_text(f"{bad} -- noqa\n")
    (shop / ORDERS).write_text(f"{bad}\nunion all {bad.replace('stg_shopify__orders', 'gone')}\n")
    with (shop / "lakekit.toml").open("a") as file:
        file.write('\n[lint]\nignore = ["LK204"]\nbaseline = "known.json"\n')
    facts = opening.load(*opening.at(str(shop)))
    baseline.write(str(shop / "known.json"), lint(facts, Selection()).findings)

    async def story() -> None:
        async with editing(shop) as editor:
            editor.open(COHORTS)
            text = editor.text(COHORTS)
            editor.type(COHORTS, text.replace(" -- noqa", ""))
            await editor.until(lambda: editor.codes() == {COHORTS: ["LK203"]})

    asyncio.run(story())


def test_files_of_no_project_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "query.sql").write_text("select a from b\n")

    async def story() -> None:
        async with editing(tmp_path) as editor:
            editor.open("query.sql")
            editor.type("query.sql", "select from\n")
            where = types.HoverParams(editor.identifier("query.sql"), types.Position(0, 0))
            assert await editor.client.text_document_hover_async(where) is None
            assert await editor.rename("query.sql", types.Position(0, 0), "other") is None
            assert (editor.told, editor.said) == ({}, [])

    asyncio.run(story())


async def goodbye(editor: Editor) -> None:
    await editor.client.shutdown_async(None)
    editor.client.exit(None)


async def interrupt(editor: Editor) -> None:
    editor.process.send_signal(signal.SIGINT)


async def vanish(editor: Editor) -> None:
    assert editor.process.stdin
    editor.process.stdin.close()


@pytest.mark.parametrize("leave", [goodbye, interrupt, vanish])
def test_no_process_is_left(shop: Path, leave: Callable[[Editor], Any]) -> None:
    async def story() -> None:
        editor = Editor(shop)
        await editor.start(ABLE)
        editor.open(ORDERS)
        await leave(editor)
        async with asyncio.timeout(10):
            await editor.process.wait()
        await editor.client.stop()

    asyncio.run(story())


def test_without_the_extra_it_says_what_to_install(shop: Path) -> None:
    ran = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; sys.modules['pygls'] = None; from lakekit.cli import main; main(['lsp'])",
        ],
        cwd=shop,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 2
    assert "pip install 'lakekit[lsp]'" in ran.stderr
    assert "Traceback" not in ran.stderr
