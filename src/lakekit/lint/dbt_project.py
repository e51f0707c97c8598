"""``dbt_project.yml``: where models are, and what is configured for them by folder.

Source: dbt's documentation of dbt_project.yml; a configuration nearer to the model wins.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from ..errors import ProjectError
from .nodes import plain
from .yaml import YamlError, parse

FILE: Final = "dbt_project.yml"


class DbtProject(NamedTuple):
    """Paths are as written, relative to the project's folder."""

    name: str
    model_paths: tuple[str, ...]
    seed_paths: tuple[str, ...]
    snapshot_paths: tuple[str, ...]
    test_paths: tuple[str, ...]
    macro_paths: tuple[str, ...]
    analysis_paths: tuple[str, ...]
    packages_path: str
    variables: dict[str, Any]
    models: dict[str, Any]

    def configs(self, folders: tuple[str, ...]) -> tuple[dict[str, Any], dict[str, Any]]:
        """What is configured for all models in ``folders`` below a model path, and what for each model there by its name."""
        found = said(self.models)
        level = self.models
        for folder in (self.name, *folders):
            below = level.get(folder)
            if not isinstance(below, dict):
                return found, {}
            level = below
            found |= said(level)
        return found, level


def said(level: dict[str, Any]) -> dict[str, Any]:
    """A level's own configuration: what has a plus, or is no mapping and so no folder."""
    return {
        key.removeprefix("+"): value
        for key, value in level.items()
        if key.startswith("+") or not isinstance(value, dict)
    }


def read(text: str, file: str) -> DbtProject:
    """Raises ``ProjectError`` for what dbt would not take for a project either."""
    try:
        document = parse(text)
    except YamlError as error:
        line = text.count("\n", 0, error.offset) + 1
        raise ProjectError(f"{file} is not valid YAML.", why=f"line {line}: {error.what}") from error
    values = plain(document)
    if not isinstance(values, dict) or not isinstance(values.get("name"), str):
        raise ProjectError(f"{file} is no dbt project.", why="it has no name", todo="write `name: lakehouse`")

    def paths(key: str, *default: str) -> tuple[str, ...]:
        given = values.get(key, list(default))
        if not isinstance(given, list) or not all(isinstance(path, str) for path in given):
            raise ProjectError(f"{file} has no list of {key}.", todo=f"write `{key}: [{default[0]}]`")
        return tuple(path.rstrip("/") or "/" for path in given)

    def table(key: str) -> dict[str, Any]:
        given = values.get(key) or {}
        if not isinstance(given, dict):
            raise ProjectError(f"{file} is no dbt project.", why=f"'{key}' is no mapping")
        return given

    return DbtProject(
        name=values["name"],
        model_paths=paths("model-paths", "models"),
        seed_paths=paths("seed-paths", "seeds"),
        snapshot_paths=paths("snapshot-paths", "snapshots"),
        test_paths=paths("test-paths", "tests"),
        macro_paths=paths("macro-paths", "macros"),
        analysis_paths=paths("analysis-paths", "analyses"),
        packages_path=str(values.get("packages-install-path", "dbt_packages")),
        variables=table("vars"),
        models=table("models"),
    )
