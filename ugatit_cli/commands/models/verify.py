"""`ugatit models verify`: is what is here still what it must be?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ...console import Console, escape
from ...errors import ExitCode, RefusedError
from .. import options
from .facts import show_json

if TYPE_CHECKING:
    from ...hub.inventory import Holding

ModelsArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="MODEL...", show_default="all that are here", help="Names, or repositories of the Hub."),
]


def verify(models: ModelsArgument = None, as_json: options.JsonOption = False) -> None:
    """Compare all that is here with its sha256.

    No request is made. Ends with code 6 where one is another; of repositories that nobody pinned, that is the content of their first use.
    """
    from ...hub.inventory import holding, holdings

    console = Console()
    found = [row for held in ([holding(model) for model in models] if models else holdings()) for row in _rows(held)]
    if as_json:
        show_json(console, "verify", {"files": found})
    else:
        for row in found:
            console.write(f"{row['status']:8}{escape(row['name'])}: {escape(row['text'])}\n".encode())
    if any(row["status"] == "wrong" for row in found):
        raise typer.Exit(ExitCode.REFUSED)


def _rows(held: Holding) -> list[dict[str, Any]]:
    from ...hub.inventory import verify as verify_file

    rows = []
    for file in held.files:
        row = {"name": held.name, "path": str(file.path), "sha256": file.sha256}
        try:
            verify_file(file)
            rows.append(row | {"status": "ok", "text": f"sha256 {file.sha256[:16]}..., {file.path}"})
        except RefusedError as error:
            rows.append(row | {"status": "wrong", "text": error.message})
    if rows:
        return rows
    status = "absent" if held.place == "hub" else "wrong"
    return [{"name": held.name, "path": None, "sha256": None, "status": status, "text": "not on this machine"}]
