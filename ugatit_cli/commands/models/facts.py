"""What tables and JSON say about a model."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ... import __version__
from ...console import Console

if TYPE_CHECKING:
    from ...hub.inventory import Holding

_ROW = ("domain_a", "domain_b", "image_size", "variant", "framing", "license", "source", "format", "direction")


def as_dict(held: Holding) -> dict[str, Any]:
    """For JSON: the same keys for every model, null where something is not known."""
    entry = held.entry
    facts: dict[str, Any] = {"name": held.name, "place": held.place, "here": bool(held.files)}
    facts |= {key: getattr(entry, key) if entry else None for key in _ROW}
    facts["repo"] = held.hub_file.repo if held.hub_file else None
    facts["revision"] = held.first.commit if held.first else (entry.revision or None) if entry else None
    facts["verified"] = held.place != "hub" or (entry is not None and entry.pinned)
    facts["bytes"] = sum(file.bytes for file in held.files) or (entry.bytes if entry else None)
    facts["begun_bytes"] = held.begun_bytes
    facts["files"] = [{"path": str(file.path), "sha256": file.sha256, "bytes": file.bytes} for file in held.files]
    return facts


def show_json(console: Console, command: str, facts: dict[str, Any]) -> None:
    """One object, which says what made it."""
    document = {"ugatit": __version__, "command": f"models {command}", **facts}
    console.write((json.dumps(document, indent=1) + "\n").encode())


def in_bytes(count: int) -> str:
    """With three digits or so."""
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("KB", 1e3)):
        if count >= size:
            return f"{count / size:.3g} {unit}" if count < 1000 * size else f"{count / size:,.0f} {unit}"
    return f"{count} bytes"


def where(held: Holding) -> str:
    """Where it is, in a few words."""
    if held.problem is not None:
        return f"{held.place}, damaged"
    here = in_bytes(sum(file.bytes for file in held.files))
    if held.place != "hub":
        return f"{held.place}, {here}" if held.files else f"{held.place}, missing"
    if held.files:
        return f"hub, {here} here"
    if held.begun_bytes:
        return f"hub, {in_bytes(held.begun_bytes)} begun"
    return f"hub, {in_bytes(held.entry.bytes)} to fetch" if held.entry else "hub, not here"


def table(rows: list[tuple[str, ...]]) -> str:
    """Columns as wide as they need; the first row is their names."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "".join(f"{line}\n" for line in lines)
