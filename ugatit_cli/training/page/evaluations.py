"""What evaluations.jsonl holds, in groups whose numbers may be compared."""

from __future__ import annotations

from typing import Any, Final

from .records import Line, number

DIRECTIONS: Final = ("a2b", "b2a")
SPLITS: Final = ("select", "report")  # the one that chooses the best comes first
Group = dict[str, Any]


def evaluations(lines: list[Line]) -> list[Group]:
    """One group for each split and protocol, as numbers of two protocols are not comparable.

    A group has its `split`, `protocol`, `steps`, the `best` step or null, and for each direction the numbers by name.
    """
    groups: dict[tuple[str, str], list[Line]] = {}
    for line in lines:
        groups.setdefault((str(line.get("split", "")), str(line.get("protocol", ""))), []).append(line)
    order = sorted(groups, key=lambda key: SPLITS.index(key[0]) if key[0] in SPLITS else len(SPLITS))
    return [_group(split, protocol, groups[split, protocol]) for split, protocol in order]


def _group(split: str, protocol: str, lines: list[Line]) -> Group:
    chosen = [number(line["step"]) for line in lines if line.get("best") is True]
    directions = {direction: _columns([line.get(direction) for line in lines]) for direction in DIRECTIONS}
    return {
        "split": split,
        "protocol": protocol,
        "steps": [number(line["step"]) for line in lines],
        "best": chosen[-1] if chosen else None,
        **directions,
    }


def _columns(entries: list[Any]) -> dict[str, list[float | None]]:
    """The numbers of each name, null where an evaluation lacks it."""
    known = [entry if isinstance(entry, dict) else {} for entry in entries]
    names = dict.fromkeys(name for entry in known for name in entry)
    columns = {name: [number(entry.get(name)) for entry in known] for name in names}
    return {name: column for name, column in columns.items() if any(value is not None for value in column)}
