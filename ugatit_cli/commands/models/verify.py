"""`ugatit models verify`: is what is here still what it must be?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ...console import Console, escape
from ...errors import ExitCode, RefusedError
from .. import options
from ..report import errors_as_json
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
    with errors_as_json(console, "models verify", wanted=as_json):
        held_here = [holding(model) for model in models] if models else holdings()
        found = [row for held in held_here for row in _rows(held)]
    if as_json:
        show_json(console, "verify", {"files": found})
    else:
        for row in found:
            hint = f"\n{'':8}hint: {escape(row['hint'])}" if row["hint"] else ""
            console.write(f"{row['status']:8}{escape(row['name'])}: {escape(row['text'])}{hint}\n".encode())
    if any(row["status"] == "wrong" for row in found):
        raise typer.Exit(ExitCode.REFUSED)


def _rows(held: Holding) -> list[dict[str, Any]]:
    """One for each file; one for all where there is none to look at."""
    if held.problem is not None:
        return [_row(held, None, "wrong", held.problem.message, held.problem.hint)]
    rows = [_verified(held, path) for path in held.digests]
    return rows or [_row(held, None, "absent", "not on this machine")]


def _verified(held: Holding, path: Path) -> dict[str, Any]:
    from ...hub.inventory import verify as verify_file

    try:
        verify_file(held, path)
    except RefusedError as error:
        return _row(held, path, "wrong", error.message, error.hint)
    return _row(held, path, "ok", f"sha256 {held.digests[path][:16]}..., {path}")


def _row(held: Holding, path: Path | None, status: str, text: str, hint: str = "") -> dict[str, Any]:
    facts = {"path": str(path) if path else None, "sha256": held.digests[path] if path else None}
    return {"name": held.name, **facts, "status": status, "text": text, "hint": hint}
