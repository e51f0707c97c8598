"""Seeds: small edits of a new project, each with exactly the findings that it must give, and where.

An edit replaces a text by another, in which ``«LK204|…»`` marks what a finding of that code is about, up to the
closing mark. Findings of whole files are listed beside.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from lakekit.lint.findings import Outcome

_TEMPLATE = Path(__file__).parents[2] / "template" / "{{ cookiecutter.name }}"
Place = tuple[str, str, int, int, int, int]
"""Code, file, line, column, end line and end column."""

ASSETS = "orchestration/assets"
STREAMS = f"{ASSETS}/streams"
CORE = f"{ASSETS}/core"
MARTS = f"{ASSETS}/marts"
PROJECT = "orchestration/dbt_project.yml"

FLOWS = f"{STREAMS}/klaviyo/stg_klaviyo__flows.sql"
CAMPAIGNS = f"{STREAMS}/klaviyo/stg_klaviyo__campaigns.sql"
PROFILES = f"{STREAMS}/klaviyo/stg_klaviyo__profiles.sql"
EVENTS = f"{STREAMS}/klaviyo/stg_klaviyo__events.sql"
KLAVIYO = f"{STREAMS}/klaviyo/_klaviyo__models.yml"
ORDERS = f"{STREAMS}/shopify/stg_shopify__orders.sql"
CUSTOMERS = f"{STREAMS}/shopify/stg_shopify__customers.sql"
PRODUCTS = f"{STREAMS}/shopify/stg_shopify__products.sql"
REFUNDS = f"{STREAMS}/shopify/stg_shopify__order_refunds.sql"
DELETED = f"{STREAMS}/shopify/stg_shopify__deleted_products.sql"
CORE_FLOWS = f"{CORE}/klaviyo/int_klaviyo__flows.sql"
CORE_CAMPAIGNS = f"{CORE}/klaviyo/int_klaviyo__campaigns.sql"
CORE_PROFILES = f"{CORE}/klaviyo/int_klaviyo__profiles.sql"
CORE_EVENTS = f"{CORE}/klaviyo/int_klaviyo__events.sql"
CORE_KLAVIYO = f"{CORE}/klaviyo/_klaviyo__core.yml"
CORE_CUSTOMERS = f"{CORE}/shopify/int_shopify__customers.sql"
MART_ENTRIES = f"{MARTS}/_marts.yml"


@dataclass(frozen=True)
class Seed:
    """``edits``: of each file its new text, what is replaced in it, or None to delete it."""

    name: str
    edits: Mapping[str, str | tuple[str, str] | None]
    whole: tuple[tuple[str, str], ...] = ()
    """(code, file) of findings about whole files."""
    moves: Mapping[str, str] = field(default_factory=dict)
    alone: bool = False
    """It does not go together with the others."""

    @property
    def code(self) -> str:
        return self.name.partition(" ")[0]


def plant(project: Path, seeds: Iterable[Seed]) -> list[Place]:
    """Apply ``seeds``; returns all findings that there must be, sorted as a run sorts them."""
    texts: dict[str, str | None] = {}
    whole: set[tuple[str, str]] = set()

    def text(file: str) -> str:
        found = texts[file] if file in texts else (project / file).read_text(encoding="utf-8")
        assert found is not None
        return found

    for seed in seeds:
        whole.update(seed.whole)
        for old, new in seed.moves.items():
            texts[new], texts[old] = text(old), None
        for file, edit in seed.edits.items():
            if isinstance(edit, tuple):
                assert text(file).count(edit[0]) == 1, (seed.name, file, edit[0])
                texts[file] = text(file).replace(*edit)
            else:
                assert edit is None or file not in texts, (seed.name, file)
                texts[file] = edit
    places = [(code, file, 1, 1, 1, 1) for code, file in whole]
    for file, marked in texts.items():
        path = project / file
        if marked is None:
            path.unlink()
            continue
        plain, found = _unmarked(marked)
        places.extend((code, file, *place) for code, *place in found)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(plain.encode())
    return _sorted(places)


def places(outcome: Outcome, project: Path) -> list[Place]:
    """The findings of a run, as seeds have them."""
    return _sorted((one.code, one.path.removeprefix(f"{project}/"), *one[1:5]) for one in outcome.findings)


def renamed(seed: Seed, rename: Callable[[str], str]) -> Seed:
    """The same seed of a project in which names are other names."""
    return Seed(
        seed.name,
        {
            rename(file): tuple(map(rename, edit)) if isinstance(edit, tuple) else edit and rename(edit)
            for file, edit in seed.edits.items()
        },
        tuple((code, rename(file)) for code, file in seed.whole),
        {rename(old): rename(new) for old, new in seed.moves.items()},
        seed.alone,
    )


def _sorted(places: Iterable[Place]) -> list[Place]:
    return sorted(places, key=lambda place: (place[1:], place[0]))


def _unmarked(marked: str) -> tuple[str, list[tuple[str, int, int, int, int]]]:
    plain, found, line, column = "", [], 1, 1
    open_: list[tuple[str, int, int]] = []
    for part in re.findall(r"«[A-Z0-9,]+\||»|(?s:.)", marked):
        if part[0] == "«":
            open_.append((part[1:-1], line, column))
        elif part == "»":
            codes, *start = open_.pop()
            found.extend((code, *start, line, column) for code in codes.split(","))
        else:
            plain += part
            line, column = (line + 1, 1) if part == "\n" else (line, column + 1)
    assert not open_
    return plain, found


def _files(pattern: str) -> list[str]:
    """The template's own, relative to the project."""
    return sorted(file.relative_to(_TEMPLATE).as_posix() for file in _TEMPLATE.glob(pattern))


def _entry(name: str, key: str = "") -> str:
    entry = f"models:\n  - name: {name}\n    description: Another one.\n"
    if key:
        entry += f"    columns:\n      - name: {key}\n        data_tests: [unique, not_null]\n"
    return entry


_PAIR = "    columns:\n      - {name: flow_id, data_tests: [not_null]}\n      - {name: name, data_tests: [not_null]}\n"
_STAGING = 'select id as flow_id from {{ source("klaviyo", "flows") }}\n'
_CORE = '{{ config(unique_key="flow_id", merge_cursor="updated_at") }}\nselect * from {{ ref("stg_klaviyo__flows") }}\n'
_MART = 'select 1 as one from {{ ref("int_shopify__orders") }}\n'


def _model(rule: str, file: str, text: str, key: str = "", *, what: str = "") -> Seed:
    """A model more, whose name or folder is wrong."""
    folder, _, name = file.removesuffix(".sql").rpartition("/")
    entry = f"{folder}/_{name}.yml"
    return Seed(f"{rule} {what or name}", {file: text, entry: _entry(name, key)}, ((rule, file),))


SEEDS = (
    # Names
    _model("LK101", f"{STREAMS}/klaviyo/klaviyo_flows.sql", _STAGING),
    _model("LK101", f"{STREAMS}/klaviyo/stg_klaviyo_flows.sql", _STAGING),
    _model("LK101", f"{STREAMS}/klaviyo/stg_Klaviyo__Flows.sql", _STAGING),
    _model("LK102", f"{CORE}/klaviyo/klaviyo_core_flows.sql", _CORE, "flow_id"),
    _model("LK102", f"{CORE}/klaviyo/int_flows.sql", _CORE, "flow_id"),
    _model("LK103", f"{MARTS}/sales.sql", _MART),
    _model("LK103", f"{MARTS}/fct__sales.sql", _MART),
    _model("LK104", f"{STREAMS}/shopify/stg_klaviyo__more_flows.sql", _STAGING),
    _model("LK104", f"{CORE}/shopify/int_klaviyo__more_flows.sql", _CORE, "flow_id"),
    _model("LK104", f"{CORE}/int_klaviyo__most_flows.sql", _CORE, "flow_id", what="in no folder of a source"),
    Seed(
        "LK105 a source among models",
        {f"{STREAMS}/klaviyo/_more.yml": "sources:\n  - name: «LK105|crm»\n    tables: [{name: people}]\n"},
    ),
    Seed(
        "LK105 the file is called otherwise",
        {f"{STREAMS}/klaviyo/sources.yml": ("  - name: klaviyo\n", "  - name: «LK105|klaviyo»\n")},
        moves={f"{STREAMS}/klaviyo/_klaviyo__sources.yml": f"{STREAMS}/klaviyo/sources.yml"},
        alone=True,
    ),
    # Layers
    Seed(
        "LK201 another staging model",
        {f"{STREAMS}/klaviyo/stg_klaviyo__a.sql": 'select * from {{ ref("«LK201|stg_klaviyo__flows»") }}\n',
         f"{STREAMS}/klaviyo/_a.yml": _entry("stg_klaviyo__a")},
    ),
    Seed(
        "LK201 another source",
        {f"{STREAMS}/klaviyo/stg_klaviyo__b.sql": 'select id from {{ source("«LK201|shopify", "orders»") }}\n',
         f"{STREAMS}/klaviyo/_b.yml": _entry("stg_klaviyo__b")},
    ),
    Seed(
        "LK201 a core model",
        {f"{STREAMS}/klaviyo/stg_klaviyo__c.sql":
            "select x from {{\n    ref(\n        '«LK201|int_klaviyo__flows»'\n    )\n}}\n",
         f"{STREAMS}/klaviyo/_c.yml": _entry("stg_klaviyo__c")},
    ),
    Seed("LK202 a source", {CORE_FLOWS: ('ref("stg_klaviyo__flows")', 'source("«LK202|klaviyo", "flows»")')}, alone=True),
    Seed(
        "LK202 a mart",
        {CORE_CUSTOMERS: ("from customers\n", 'from customers\ncross join {{ ref("«LK202|fct_daily_sales»") }} as sales\n')},
    ),
    Seed("LK203 staging", {f"{MARTS}/dim_products.sql": ('ref("int_shopify__products")', 'ref("«LK203|stg_shopify__products»")')}),
    Seed(
        "LK203 a source",
        {f"{MARTS}/fct_customer_cohorts.sql": (
            "with ", 'with raw as (select * from {{ source("«LK203|shopify", "customers»") }}),\n\n',
        )},
        alone=True,
    ),
    Seed("LK204 of a model", {f"{MARTS}/fct_a.sql": 'select 1 as one from {{ ref("«LK204|int_shopify__orderz»") }}\n',
                              f"{MARTS}/_a.yml": _entry("fct_a")}),
    Seed("LK204 of a test", {"orchestration/tests/no_orders.sql": "select * from {{ ref('«LK204|nothing»') }}\n"}),
    Seed("LK204 of a test in YAML", {f"{MARTS}/_b.yml": (
        "models:\n  - name: fct_b\n    description: B.\n    columns:\n      - name: one\n        data_tests:\n"
        "          - relationships: {arguments: {to: ref('«LK204|nobody»'), field: id}}\n"
    ), f"{MARTS}/fct_b.sql": _MART}),
    Seed("LK204 of a unit test", {f"{MARTS}/_c.yml": (
        "unit_tests:\n  - name: one\n    model: dim_products\n    given:\n"
        "      - input: ref('«LK204|int_shopify__nothing»')\n        rows: []\n    expect: {rows: []}\n"
    )}),
    Seed("LK204 a version", {
        f"{MARTS}/fct_versions_v1.sql": _MART, f"{MARTS}/fct_versions_v2.sql": _MART,
        f"{MARTS}/_versions.yml": _entry("fct_versions") + "    versions: [{v: 1}, {v: 2}]\n",
        "orchestration/tests/versions.sql": "select 1 from {{ ref('fct_versions') }}, {{ ref('fct_versions', v=1) }}, "
            "{{ ref('fct_versions', version='2') }}, {{ ref('«LK204|fct_versions»', v=3) }}\n",
    }),
    Seed("LK204 a table of a source", {"orchestration/tests/no_flows.sql": 'select 1 from {{ source("«LK204|klaviyo", "flow»") }}\n'}),
    Seed(
        "LK204 two of a name",
        {f"{MARTS}/more/dim_customers.sql": _MART},
        (("LK204", f"{MARTS}/dim_customers.sql"), ("LK204", f"{MARTS}/more/dim_customers.sql")),
        alone=True,
    ),
    Seed(
        "LK204 a seed of a model's name",
        {"orchestration/seeds/fct_daily_sales.csv": "one\n1\n"},
        (("LK204", f"{MARTS}/fct_daily_sales.sql"),),
    ),
    Seed("LK205 a model's table", {f"{MARTS}/fct_d.sql": "select 1 as one from «LK205|lake.core.int_shopify__orders»\n",
                                   f"{MARTS}/_d.yml": _entry("fct_d")}),
    Seed("LK205 of a join", {f"{MARTS}/fct_e.sql": (
        'with a as (select 1 as one)\nselect a.one\nfrom a\n/* from b */ left join «LK205|"raw"."Orders"» as b on a.one = b.one\n'
    ), f"{MARTS}/_e.yml": _entry("fct_e")}),
    Seed("LK205 behind a comma", {f"{MARTS}/fct_f.sql": 'select 1 as one from {{ ref("fct_daily_sales") }} as a, «LK205|b»\n',
                                  f"{MARTS}/_f.yml": _entry("fct_f")}),
    Seed("LK206 itself", {f"{MARTS}/fct_g.sql": "select 1 as one from {{ ref('«LK206|fct_g»') }}\n",
                          f"{MARTS}/_g.yml": _entry("fct_g")}),
    Seed("LK206 three of them", {
        f"{MARTS}/fct_h.sql": "select 1 as one from {{ ref('fct_daily_sales') }} cross join {{ ref('«LK206|fct_i»') }}\n",
        f"{MARTS}/fct_i.sql": "select 1 as one from {{ ref('«LK206|fct_j»') }}\n",
        f"{MARTS}/fct_j.sql": "select 1 as one from {{ ref('«LK206|fct_h»') }}\n",
        f"{MARTS}/_h.yml": "models:\n" + "".join(_entry(f"fct_{one}").removeprefix("models:\n") for one in "hij"),
    }),
    # Materializations
    Seed("LK301 of staging", {REFUNDS: ("select\n    id as refund_id", "{{ «LK301|config(materialized='table')» }}\nselect\n    id as refund_id")}),
    Seed("LK301 in properties", {f"{MARTS}/fct_k.sql": _MART, f"{MARTS}/_k.yml": _entry("fct_k") + "    config:\n      materialized: view\n"},
         (("LK301", f"{MARTS}/fct_k.sql"),)),
    Seed("LK301 in dbt_project.yml", {PROJECT: ("+materialized: table", "+materialized: ephemeral")},
         tuple(("LK301", file) for file in _files(f"{MARTS}/*.sql")), alone=True),
    Seed("LK302 none", {f"{CORE}/klaviyo/int_klaviyo__keyless.sql": (
        "{{ «LK302|config(merge_cursor='updated_at')» }}\nselect * from {{ ref('stg_klaviyo__flows') }}\n"
    ), f"{CORE}/klaviyo/_keyless.yml": _entry("int_klaviyo__keyless")}),
    Seed("LK302 an empty list", {f"{CORE}/klaviyo/int_klaviyo__empty_key.sql": (
        "{{\n    «LK302|config(\n        unique_key=[],\n        merge_cursor='updated_at'\n    )»\n}}\nselect * from {{ ref('stg_klaviyo__flows') }}\n"
    ), f"{CORE}/klaviyo/_empty_key.yml": _entry("int_klaviyo__empty_key")}),
    Seed("LK303 append", {CORE_CAMPAIGNS: (
        'config(unique_key="campaign_id", merge_cursor="updated_at")',
        '«LK303|config(unique_key="campaign_id", incremental_strategy="append")»',
    )}),
    Seed("LK303 in properties", {f"{CORE}/klaviyo/int_klaviyo__replaced.sql": (
        "{{ «LK303|config(unique_key='flow_id')» }}\nselect * from {{ ref('stg_klaviyo__flows') }}\n"
    ), f"{CORE}/klaviyo/_replaced.yml": _entry("int_klaviyo__replaced", "flow_id")
        + "    config: {incremental_strategy: delete+insert}\n"}),
    Seed("LK304 none", {CORE_PROFILES: (
        'config(unique_key="profile_id", merge_cursor="updated_at")', '«LK304|config(unique_key="profile_id")»',
    )}),
    Seed("LK304 an empty text", {CORE_EVENTS: ('config(unique_key="event_id", merge_cursor="event_at")',
                                               '«LK304|config(unique_key="event_id", merge_cursor="")»')}),
    # Staging
    Seed("LK401 a join", {FLOWS: ('from {{ source("klaviyo", "flows") }}',
                                  'from {{ source("klaviyo", "flows") }} as flows\nleft «LK401|join» {{ source("klaviyo", "campaigns") }} as campaigns on true')}),
    Seed("LK401 a comma", {DELETED: ('from {{ source("shopify", "deleted_products") }}',
                                     'from {{ source("shopify", "deleted_products") }} as deleted«LK401|,» {{ source("shopify", "products") }} as products')}),
    Seed("LK402 distinct", {PRODUCTS: ("select\n", "select «LK402|distinct»\n")}),
    Seed("LK402 an aggregate", {CUSTOMERS: ("    email,\n", "    «LK402|MAX»(email) as email,\n")}),
    Seed("LK402 a window", {PROFILES: ("    updated as updated_at,\n", "    «LK402|row_number»() over (partition by id order by updated desc) as updated_at,\n")}),
    Seed("LK403 union", {CAMPAIGNS: ('from {{ source("klaviyo", "campaigns") }}', (
        'from {{ source("klaviyo", "campaigns") }}\n«LK403|union» all\nselect id, type, type, null, updated_at, _airbyte_extracted_at\n'
        'from {{ source("klaviyo", "campaigns") }}'
    ))}),
    Seed("LK403 except", {f"{STREAMS}/klaviyo/stg_klaviyo__d.sql": (
        'select id from {{ source("klaviyo", "flows") }} «LK403|EXCEPT» select id from {{ source("klaviyo", "flows") }}\n'
    ), f"{STREAMS}/klaviyo/_d.yml": _entry("stg_klaviyo__d")}),
    Seed("LK404 where", {EVENTS: ('from {{ source("klaviyo", "events") }}',
                                  'from {{ source("klaviyo", "events") }}\n«LK404|where» datetime «LK404|is» «LK404|not» null')}),
    Seed("LK404 a function", {ORDERS: ("    email,\n", "    «LK404|upper»(email) as email,\n    «LK404|lower»(name) as lower_name,\n    upper(name) as upper_name,\n")}),
    Seed("LK404 arithmetic", {f"{STREAMS}/shopify/stg_shopify__a.sql": (
        'select id «LK404|+» 1 as next_id, «LK404|case» when test then 1 end as one from {{ source("shopify", "orders") }}\n'
    ), f"{STREAMS}/shopify/_a.yml": _entry("stg_shopify__a")}),
    # Files
    Seed("LK501 it is gone", {f"{STREAMS}/klaviyo/flows.json": None, FLOWS: (
        'source("klaviyo", "flows")', 'source("«LK501|klaviyo", "flows»")',
    )}, alone=True),
    Seed("LK501 a table more", {f"{STREAMS}/shopify/stg_shopify__b.sql": 'select id from {{ source("«LK501|shopify", "carts»") }}\n',
                                f"{STREAMS}/shopify/_b.yml": _entry("stg_shopify__b"),
                                f"{STREAMS}/shopify/_shopify__sources.yml": ("      - name: orders\n", "      - name: carts\n      - name: orders\n")}),
    Seed("LK502 the SQL has moved on", {f"{STREAMS}/shopify/stg_shopify__c.sql": (
        'select id, «LK502|emails», «LK502|"Note_2"» from {{ source("shopify", "orders") }}\n'
    ), f"{STREAMS}/shopify/_c.yml": _entry("stg_shopify__c")}),
    Seed("LK502 the reference has moved on", {f"{STREAMS}/klaviyo/campaigns.json": None, f"{STREAMS}/klaviyo/Campaigns.json": (
        '{"name": "campaigns", "json_schema": {"properties": {"id": {"type": "string"}, "attributes": {}, "updated_at": {}}}}\n'
    ), f"{STREAMS}/klaviyo/stg_klaviyo__e.sql": 'select id, «LK502|type» from {{ source("klaviyo", "campaigns") }}\n',
        f"{STREAMS}/klaviyo/_e.yml": _entry("stg_klaviyo__e"), "klaviyo.json": None}, alone=True),
    Seed("LK503 no entry", {f"{MARTS}/fct_l.sql": _MART}, (("LK503", f"{MARTS}/fct_l.sql"),)),
    Seed("LK503 an empty description", {f"{MARTS}/fct_m.sql": _MART, f"{MARTS}/_m.yml": "models:\n  - name: fct_m\n    description: ' '\n"},
         (("LK503", f"{MARTS}/fct_m.sql"),)),
    Seed("LK504 of no model", {MART_ENTRIES: ("models:\n", "models:\n  - name: «LK504|fct_gone»\n    description: Gone.\n")}),
    Seed("LK504 a second one", {KLAVIYO: ("models:\n", ("models:\n  - {description: Once., name: 'stg_klaviyo__n'}\n"
                                          "  - name: '«LK504|stg_klaviyo__n»'\n    description: Twice.\n")),
                                f"{STREAMS}/klaviyo/stg_klaviyo__n.sql": _STAGING}),
    Seed("LK504 in another file", {KLAVIYO: ("name: stg_klaviyo__flows\n", "name: «LK504|stg_klaviyo__flows»\n"),
                                   f"{MARTS}/_more.yml": "models:\n  - description: Again.\n    name: '«LK504|stg_klaviyo__flows»'\n"}),
    Seed("LK505 not unique", {f"{CORE}/klaviyo/int_klaviyo__untested.sql": _CORE.replace("config", "«LK505|config").replace(") }}\nsel", ")» }}\nsel"),
                              f"{CORE}/klaviyo/_untested.yml": _entry("int_klaviyo__untested", "flow_id").replace("unique, ", "")}),
    Seed("LK505 of two columns", {f"{CORE}/klaviyo/int_klaviyo__pairs.sql": (
        "{{ «LK505|config(unique_key=['flow_id', 'name'], merge_cursor='updated_at')» }}\nselect * from {{ ref('stg_klaviyo__flows') }}\n"
    ), f"{CORE}/klaviyo/_pairs.yml": _entry("int_klaviyo__pairs", "flow_id")}),
    Seed("LK505 of two columns together", {f"{CORE}/klaviyo/int_klaviyo__pair.sql": (
        "{{ «LK505|config(unique_key=['flow_id', 'name'], merge_cursor='updated_at')» }}\nselect * from {{ ref('stg_klaviyo__flows') }}\n"
    ), f"{CORE}/klaviyo/_pair.yml": _entry("int_klaviyo__pair") + _PAIR}),
    Seed("LK506 a field", {f"{STREAMS}/klaviyo/flows.json": (
        '    "updated": {"type": ["null", "string"], "format": "date-time"},\n    "attributes"',
        '    "updated": {"type": ["null", "string"], "format": "date-time"},\n    «LK506|"edited"»: {"type": "string"},\n    "attributes"',
    )}),
    Seed("LK506 a field less", {f"{STREAMS}/shopify/products.json": (
        '"properties": {\n    "id": {"type": "integer"},\n    "admin_graphql_api_id": {"type": ["null", "string"]},',
        '«LK506|"properties"»: {\n    "id": {"type": "integer"},',
    )}),
    Seed("LK506 a type", {f"{STREAMS}/shopify/deleted_products.json": ('    "id": {"type": "integer"}', '    «LK506|"id"»: {"type": "string"}')}),
    Seed("LK506 the cursor", {f"{STREAMS}/klaviyo/profiles.json": ('"default_cursor_field": ["updated"]', '«LK506|"default_cursor_field"»: ["id"]')}),
    Seed("LK506 the key", {f"{STREAMS}/klaviyo/events.json": ('"source_defined_primary_key": [["id"]]', '«LK506|"source_defined_primary_key"»: [["datetime"]]')}),
    Seed("LK506 a stream", {f"{STREAMS}/klaviyo/lists.json": '{«LK506|"name"»: "lists", "json_schema": {"properties": {}}}\n'}),
    # Engines
    Seed("LK801 in a mart", {f"{MARTS}/fct_n.sql": 'select «LK801|sin»(1) as one, sine(1) as corr from {{ ref("int_shopify__orders") }}\n',
                             f"{MARTS}/_n.yml": _entry("fct_n")}),
    Seed("LK801 over lines", {f"{MARTS}/fct_o.sql": "select\n    «LK801|CORR» (1, 2) as one, -- corr(1, 2)\n    'corr(1, 2)' as two\nfrom {{ ref('int_shopify__orders') }}\n",
                              f"{MARTS}/_o.yml": _entry("fct_o")}),
    # The run
    Seed("LK901 at a line's end", {f"{MARTS}/fct_p.sql": "select 1 as one -- noqa: «LK901|LK205»\nfrom {{ ref('int_shopify__orders') }}\n",
                                   f"{MARTS}/_p.yml": _entry("fct_p")}),
    Seed("LK901 one of two", {f"{MARTS}/fct_q.sql": "select 1 as one from orders -- noqa: LK205, «LK901|LK801»\n",
                              f"{MARTS}/_q.yml": _entry("fct_q")}),
    Seed("LK901 of a whole file", {f"{MARTS}/_r.yml": "# lakekit: noqa: «LK901|LK105»\nmodels: []\n"}),
    Seed("LK902 all folders are empty", {
        PROJECT: "name: lakehouse\nmodel-paths: [models]\nmacro-paths: [nothing]\ntest-paths: [nothing]\n",
    }, (("LK902", "orchestration"),), alone=True),
    Seed("LK902 all is ignored", {
        "orchestration/.dbtignore": "*.py\n*.sql\n*.yml\n",
        **dict.fromkeys((*_files(f"{STREAMS}/**/*.json"), *_files(f"{ASSETS}/**/*.py"))),
    }, (("LK902", "orchestration"),), alone=True),
    Seed("LK902 a model path is not there", {PROJECT: ("model-paths: [assets]", "model-paths: [assets, more]")},
         (("LK902", "orchestration"),), alone=True),
    Seed("LK903 an expression", {f"{MARTS}/fct_s.sql": "select «LK903|{{» var('x') as one\n", f"{MARTS}/_s.yml": _entry("fct_s")}),
    Seed("LK903 a block", {f"{MARTS}/fct_t.sql": "select 1\n«LK903|{% if x %}» as one from y\n", f"{MARTS}/_t.yml": _entry("fct_t")}),
    Seed("LK903 a macro", {"orchestration/macros/two.sql": "{% macro two() %}2{% endmacro %}\n{% macro three() %}3«LK903|{% endif %}»\n"}),
    Seed("LK903 YAML", {f"{MARTS}/_u.yml": 'models:\n  - name: "dim_products"\n    description: «LK903|»@home\n'}),
    Seed("LK903 JSON", {f"{STREAMS}/klaviyo/segments.json": '{"name": "segments" «LK903|»"json_schema": {}}\n'}),
    Seed("LK903 no stream", {f"{STREAMS}/klaviyo/tags.json": '{"name": "tags"}\n'}, (("LK903", f"{STREAMS}/klaviyo/tags.json"),)),
)  # fmt: skip
"""At least two for each rule; a name begins with the rule's code."""

# Each is near to what its rule tells, and right.
FINE = (
    Seed(
        "LK104 folders within the source's folder",
        {
            f"{CORE}/klaviyo/mail/int_klaviyo__deep.sql": _CORE,
            f"{CORE}/klaviyo/mail/_deep.yml": _entry("int_klaviyo__deep", "flow_id"),
        },
    ),
    Seed(
        "LK204 what is no model of SQL",
        {
            "orchestration/seeds/countries.csv": "one\n1\n",
            "orchestration/snapshots/old.sql": "{% snapshot old_orders %} select 1 as one {% endsnapshot %}\n",
            "orchestration/snapshots/new.yml": "snapshots: [{name: new_orders, relation: ref('countries')}]\n",
            "orchestration/dbt_packages/other/models/of_others.sql": "select 1 as one\n",
            f"{MARTS}/fct_kinds.sql": "select 1 as one"
            + "".join(
                f", (select 1 from {{{{ ref({ref}) }}}})"
                for ref in (
                    "'countries'",
                    "'old_orders'",
                    "'new_orders'",
                    "'of_others'",
                    "'other', 'of_others'",
                    "'lakehouse', 'dim_products'",
                )
            )
            + "\n",
            f"{MARTS}/_kinds.yml": _entry("fct_kinds"),
        },
    ),
    Seed(
        "LK204 two of a name, one of them off",
        {
            f"{MARTS}/more/dim_customers.sql": "{{ config(enabled=false) }}\n" + _MART,
        },
    ),
    Seed(
        "LK404 a number with a sign",
        {FLOWS: ("select\n", "select\n    -1 as below,\n    cast(-0.5 as decimal(2, 1)) as half,\n")},
    ),
    Seed(
        "LK505 two columns that are tested together",
        {
            f"{CORE}/klaviyo/int_klaviyo__pair_tested.sql": (
                "{{ config(unique_key=['flow_id', 'name'], merge_cursor='updated_at') }}\nselect * from {{ ref('stg_klaviyo__flows') }}\n"
            ),
            f"{CORE}/klaviyo/_pair_tested.yml": _entry("int_klaviyo__pair_tested")
            + _PAIR
            + "    data_tests:\n      - dbt_utils.unique_combination_of_columns:\n          arguments: {combination_of_columns: [flow_id, name]}\n",
        },
    ),
)
