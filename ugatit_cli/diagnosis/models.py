"""The bundled models: each is there, and the one that the registry means."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from .. import hub
from ..errors import UgatitError
from ..shell import command_line
from .findings import Finding, in_words, ok, problem
from .installing import pip


def model_findings(models: Path | None = None) -> Iterator[Finding]:
    """`models` is another folder than the program's own."""
    try:
        registry = hub.read_registry(models)
    except UgatitError as error:
        yield problem("registry", error.message, _remedy(models), error.exit_code, error=error.name)
        return
    for name, entry in registry.items():
        if entry.repo:
            yield ok(f"model-{name}", f"{name}: {entry.variant}, from the Hub when it is first used", repo=entry.repo)
            continue
        try:
            path = hub.resolve(hub.BY_NAME + name, models=models).path
        except UgatitError as error:
            yield problem(f"model-{name}", error.message, _remedy(models), error.exit_code, error=error.name)
            continue
        size = path.stat().st_size
        text = f"{name}: {entry.variant}, {in_words(size)}, sha256 {entry.sha256[:12]}... is right"
        yield ok(f"model-{name}", text, path=str(path), sha256=entry.sha256, bytes=size)


def _remedy(models: Path | None) -> str:
    folder = models or hub.models_folder()
    if (folder.parent / ".git").exists():
        return command_line(["git", "-C", str(folder.parent), "checkout", "--", folder.name])
    return pip("install", "--force-reinstall", "--no-deps", "ugatit-cli")
