"""`ugatit models pull`: fetch what will be needed, before there is no network."""

from __future__ import annotations

from typing import Annotated

import typer

from ... import hub
from ...console import Console
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
    """
    console = Console(options.verbosity(False, quiet))
    files = []
    for model in models:
        found = hub.resolve(model, direction=direction, watcher=console)
        files.append({"model": model, "path": str(found.path), "sha256": found.sha256 or None})
        if not as_json:
            console.result(found.path)
    if as_json:
        show_json(console, "pull", {"files": files})
