"""The numbers of metrics.jsonl as curves short enough for a page, however long the run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .records import Line, number

POINTS: Final = 600  # of a curve: about a pixel each
DIGITS: Final = 5
NOT_CURVES: Final = {"step", "rho_histogram"}

Column = NDArray[np.float64]


def curves(lines: list[Line]) -> dict[str, Any]:
    """`steps`, and `series` by name, each with its `mean`, and with `low` and `high` where a point stands for several lines.

    A series has null where a line lacks it, and is left out where no line has a number for it.
    """
    together = -(-len(lines) // POINTS) or 1
    steps = [number(line["step"]) for line in lines]
    names = dict.fromkeys(name for line in lines for name in line if name not in NOT_CURVES)
    columns = {name: _column([line.get(name) for line in lines]) for name in names}
    series = {name: _series(column, together) for name, column in columns.items() if not np.isnan(column).all()}
    last_of_each = [*steps[together - 1 :: together], *(steps[-1:] if len(steps) % together else [])]
    return {"steps": last_of_each, "series": series}


def _column(values: list[Any]) -> Column:
    """NaN for what is no finite number."""
    if {*map(type, values)} <= {float, type(None)}:  # nearly always, and 20 times faster
        column = np.array(values, np.float64)
        column[np.isinf(column)] = np.nan
        return column
    return np.array([number(value) for value in values], np.float64)


def _series(column: Column, together: int) -> dict[str, list[float | None]]:
    if together == 1:
        return {"mean": _short(column)}
    padded = np.full(-(-len(column) // together) * together, np.nan)
    padded[: len(column)] = column
    groups = padded.reshape(-1, together)
    there = ~np.isnan(groups)
    count = there.sum(axis=1)
    parts = {
        "mean": (np.where(there, groups, 0) / np.maximum(count, 1)[:, None]).sum(axis=1),  # no sum that overflows
        "low": np.where(there, groups, np.inf).min(axis=1),
        "high": np.where(there, groups, -np.inf).max(axis=1),
    }
    return {name: _short(np.where(count > 0, part, np.nan)) for name, part in parts.items()}


def _short(column: Column) -> list[float | None]:
    """Five digits, as the page is no place to store numbers."""
    size = np.abs(np.where(np.isnan(column) | (column == 0), 1, column))
    scale = 10.0 ** np.clip(DIGITS - 1 - np.floor(np.log10(size)), 0, 22)
    short = np.where(size < 1e15, np.round(np.where(size < 1e15, column, 0) * scale) / scale, column)
    return [None if value != value else value for value in short.tolist()]  # only NaN differs from itself


def rho_histograms(lines: list[Line]) -> list[dict[str, Any]]:
    """The first and the newest histogram of rho: `step`, and `shares` of the parameters that sum to 1."""
    first, last = _first_histogram(lines), _first_histogram(reversed(lines))
    return first if first == last else first + last


def _first_histogram(lines: Iterable[Line]) -> list[dict[str, Any]]:
    for line in lines:
        if shares := _shares(line.get("rho_histogram")):
            return [{"step": number(line["step"]), "shares": shares}]
    return []


def _shares(counts: object) -> list[float]:
    """Nothing unless it is a list of counts."""
    values = [number(count) for count in counts] if isinstance(counts, list) else []
    known = [value for value in values if value is not None and value >= 0]
    total = sum(known)
    return [value / total for value in known] if len(known) == len(values) and 0 < total < float("inf") else []
