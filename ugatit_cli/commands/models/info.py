"""`ugatit models info`: all that is known about one model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ... import hub
from ...console import Console, escape
from .. import options
from ..report import errors_as_json
from .facts import as_dict, in_bytes, show_json

if TYPE_CHECKING:
    from ...hub.inventory import Holding

ModelArgument = Annotated[
    str, typer.Argument(metavar="MODEL", show_default=False, help="A name, a file or folder, or a repository.")
]


def info(model: ModelArgument, as_json: options.JsonOption = False) -> None:
    """Tell all that is known about one model.

    Of a name its licence, domains, framing and source, and what of it is here; of a file what was read from it.
    A repository that was never used is asked which files it holds; nothing else is downloaded.
    """
    console = Console()
    with errors_as_json(console, "models info", wanted=as_json):
        meant = hub.interpret(model, hub.known_models())
        facts = _of_file(model, console) if isinstance(meant, Path) else _of_name(model)
    if as_json:
        show_json(console, "info", facts)
    else:
        console.write("".join(f"{line}\n" for line in _lines(facts)).encode())


def _of_name(model: str) -> dict[str, Any]:
    from ...hub.inventory import holding

    held = holding(model)
    if held.problem is not None:
        raise held.problem
    facts = as_dict(held)
    if held.entry is None and held.first is None:
        facts["repository_files"] = _repository_files(held)
    return facts


def _repository_files(held: Holding) -> list[str]:
    from ...hub.client import list_files

    assert held.hub_file is not None  # a holding without a row is called by its address
    return list_files(held.hub_file)


def _of_file(model: str, console: Console) -> dict[str, Any]:
    from ... import weights
    from ...graph.reading import is_graph

    file = hub.resolve(model).path
    if is_graph(file):
        return _of_graph(file)
    loaded = weights.load(file)
    for note in loaded.notes:
        console.note(f"{file}: {note}")
    return {
        "path": str(file),
        "format": loaded.format,
        "sha256": loaded.sha256,
        "bytes": file.stat().st_size if file.is_file() else None,
        **loaded.config.to_dict(),
        "directions": list(loaded.generators),
        "metadata": dict(loaded.metadata),
    }


def _of_graph(file: Path) -> dict[str, Any]:
    from dataclasses import asdict

    from ...graph.screening import screen

    screened = screen(file)
    facts = {"path": str(file), "format": "onnx", "sha256": screened.sha256, "bytes": file.stat().st_size}
    return {**facts, **asdict(screened.facts)}


def _lines(facts: dict[str, Any]) -> list[str]:
    """A line for each fact that is known."""
    lines = []
    for name, value in facts.items():
        if value in (None, [], {}):
            continue
        if name == "files":
            lines += [
                f"{'file':<18}{escape(file['path'])} ({in_bytes(file['bytes'])}, sha256 {file['sha256']})"
                for file in value
            ]
            continue
        lines.append(f"{name.replace('_', ' '):<18}{escape(_text(name, value))}")
    return lines


def _text(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if name == "bytes":
        return f"{value:,}"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "; ".join(f"{key}: {text}" for key, text in value.items()) if isinstance(value, dict) else str(value)
