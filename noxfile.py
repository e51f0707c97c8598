"""The checks that a change must pass: ``nox`` runs them all, ``nox -s tests`` one of them."""

import shutil
from pathlib import Path

import nox

nox.options.default_venv_backend = "uv|virtualenv"


@nox.session
def lint(session: nox.Session) -> None:
    session.install("ruff>=0.17")
    session.run("ruff", "format", "--check")
    session.run("ruff", "check")


@nox.session
def types(session: nox.Session) -> None:
    session.install("-e", ".[dev]")
    session.run("mypy")


@nox.session
def tests(session: nox.Session) -> None:
    session.install("-e", ".[dev]")
    session.run("pytest", "-n", "auto", *session.posargs)


@nox.session(default=False)
def example(session: nox.Session) -> None:
    """Make examples/ anew, where the template has changed."""
    session.install("-e", ".[duckdb]")
    folder = Path("examples/shopify_klaviyo")
    shutil.rmtree(folder, ignore_errors=True)
    session.run("lakekit", "new", str(folder), "--no-input")


@nox.session(default=False)
def screenshots(session: nox.Session) -> None:
    """Make the pictures of the documentation anew, with the Chromium that is installed."""
    session.install("-e", ".[dev]")
    session.run("python", "-m", "tests.screenshots")
