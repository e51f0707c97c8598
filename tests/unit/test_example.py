"""examples/shopify_klaviyo is what the template makes of its defaults, and nothing else."""

from __future__ import annotations

import subprocess
from pathlib import Path

from lakekit.scaffold import new

CHECKOUT = Path(__file__).parents[2]
EXAMPLE = "examples/shopify_klaviyo"


def test_the_example_is_the_template_s_default_rendering(tmp_path: Path) -> None:
    made = new(tmp_path / "shopify_klaviyo")
    rendered = {
        file.relative_to(made).as_posix(): file.read_bytes() for file in made.rglob("*") if file.is_file()
    }
    listed = subprocess.run(
        ["git", "ls-files", "-z", EXAMPLE], cwd=CHECKOUT, check=True, capture_output=True, text=True
    ).stdout.split("\0")
    example = {name.removeprefix(f"{EXAMPLE}/"): (CHECKOUT / name).read_bytes() for name in listed if name}
    differ = sorted(
        name for name in rendered.keys() | example.keys() if rendered.get(name) != example.get(name)
    )
    assert not differ, "make it anew: nox -s example"
