"""`ugatit models remove`: give back the space of what was fetched or imported."""

from __future__ import annotations

from typing import Annotated

import typer

from ...console import Console
from .. import options
from ..report import errors_as_json
from .facts import in_bytes, show_json

ModelsArgument = Annotated[
    list[str], typer.Argument(metavar="MODEL...", show_default=False, help="Names, or repositories of the Hub.")
]


def remove(models: ModelsArgument, as_json: options.JsonOption = False) -> None:
    """Remove what was fetched or imported.

    What was recorded at its first use goes, too; bundled models stay. A repository that is fetched again afterwards is trusted anew, as it is then.
    """
    from ...hub.inventory import removable
    from ...hub.inventory import remove as remove_holding

    console, removed = Console(), []
    with errors_as_json(console, "models remove", wanted=as_json):
        found = {held.name: held for held in map(removable, models)}
    try:
        for held in found.values():
            freed = remove_holding(held)
            removed.append({"name": held.name, "freed_bytes": freed})
            console.note(f"removed {held.name}: {in_bytes(freed)}")
    finally:
        if as_json:
            show_json(console, "remove", {"models": removed})
