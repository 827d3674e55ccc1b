"""`ugatit models pull`: fetch what will be needed, before there is no network."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ... import hub
from ...config import Direction
from ...console import Console
from ...errors import Failures, OutputError, ResourceError, UgatitError
from .. import options
from .facts import show_json

ModelsArgument = Annotated[
    list[str], typer.Argument(metavar="MODEL...", show_default=False, help="Names, or owner/repository on the Hub.")
]


def pull(
    models: ModelsArgument,
    direction: options.DirectionOption = None,
    as_json: options.JsonOption = False,
    quiet: options.QuietOption = False,
) -> None:
    """Fetch models from the Hub, and verify them.

    What is in the cache already costs no request. The paths of the verified files go to standard output.
    One that cannot be fetched does not stop the others.
    """
    console = Console(options.verbosity(False, quiet))
    rows: list[dict[str, Any]] = []
    try:
        _pull_each(models, direction, console, rows, show=not as_json)
    finally:
        if as_json:
            show_json(console, "pull", {"files": rows})


def _pull_each(
    models: list[str], direction: Direction | None, console: Console, rows: list[dict[str, Any]], *, show: bool
) -> None:
    """A row for each, also for the one that ends it all."""
    failures = Failures()
    for model in models:
        row: dict[str, Any] = {"model": model, "path": None, "sha256": None}
        rows.append(row)
        try:
            found = hub.resolve(model, direction=direction, watcher=console)
        except UgatitError as error:
            row["error"] = error.as_dict()
            if isinstance(error, ResourceError | OutputError):
                raise
            failures.add(error)
            if len(models) > 1:
                console.failure(error)
            continue
        row |= {"path": str(found.path), "sha256": found.sha256 or None}
        if show:
            console.result(found.path)
    together = failures.error(len(models), "models")
    if together is not None:
        raise together
