"""`ugatit models remove`: give back the space of what was fetched or imported."""

from __future__ import annotations

from typing import Annotated

import typer

from ...console import Console
from .facts import in_bytes

ModelsArgument = Annotated[
    list[str], typer.Argument(metavar="MODEL...", show_default=False, help="Names, or repositories of the Hub.")
]


def remove(models: ModelsArgument) -> None:
    """Remove what was fetched or imported.

    What was recorded at its first use goes, too; bundled models stay. A repository that is fetched again afterwards is trusted anew, as it is then.
    """
    from ...hub.inventory import holding
    from ...hub.inventory import remove as remove_holding

    console = Console()
    for held in [holding(model) for model in models]:
        freed = remove_holding(held)
        console.note(f"removed {held.name}: {in_bytes(freed)}")
