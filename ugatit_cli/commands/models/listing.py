"""`ugatit models list`: all models with a name, and the repositories that were used by their address."""

from __future__ import annotations

from ...console import Console, escape
from .. import options
from .facts import as_dict, show_json, table, where


def list_(as_json: options.JsonOption = False) -> None:
    """List all models and what of them is here.

    The bundled ones, those that were imported, those on the Hub, and repositories that were used. No request is made.
    """
    from ...hub.inventory import holdings

    console, found = Console(), holdings()
    if as_json:
        show_json(console, "list", {"models": [as_dict(held) for held in found]})
        return
    rows = [("name", "from", "to", "size", "variant", "licence", "where")]
    for held in found:
        row = held.entry
        facts = (row.domain_a, row.domain_b, str(row.image_size), row.variant, row.license) if row else ("-",) * 5
        rows.append((held.name, *facts, where(held)))
    console.write(table([tuple(map(escape, row)) for row in rows]).encode())
