"""What the user says about a model, for its card."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ...errors import UsageError


def _text(parameter: typer.CallbackParam, value: str | None) -> str | None:
    """Raises UsageError where it cannot stand in a file."""
    try:
        (value or "").encode()
    except UnicodeEncodeError as error:
        text = f"{parameter.opts[0]} is not UTF-8"
        raise UsageError(text, hint="write it in the terminal's own encoding", name="option-not-text") from error
    return value


def _option(name: str, help: str) -> Any:
    return typer.Option(name, show_default="what the file says", callback=_text, help=help)


LicenseOption = Annotated[str | None, _option("--license", "Of the weights, for the card.")]
SourceOption = Annotated[str | None, _option("--source", "Where the weights come from, for the card.")]
DomainAOption = Annotated[str | None, _option("--domain-a", "What its pictures of A are.")]
DomainBOption = Annotated[str | None, _option("--domain-b", "What its pictures of B are.")]
