"""`ugatit models pull`: fetch what will be needed, before there is no network."""

from __future__ import annotations

from typing import Annotated

import typer

from ... import hub
from ...console import Console
from .. import options

ModelsArgument = Annotated[
    list[str], typer.Argument(metavar="MODEL...", show_default=False, help="Names, or owner/repository on the Hub.")
]


def pull(models: ModelsArgument, direction: options.DirectionOption = None, quiet: options.QuietOption = False) -> None:
    """Fetch models from the Hub, and verify them.

    What is in the cache already costs no request. The paths of the verified files go to standard output.
    """
    console = Console(options.verbosity(False, quiet))
    for model in models:
        console.result(hub.resolve(model, direction=direction, watcher=console).path)
