"""What a run has written so far, read with care: a kill may have cut off the last line, and a hand may have edited."""

from __future__ import annotations

import json
import math
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from ..survey import Survey

Line = dict[str, Any]


def read_lines(path: Path) -> list[Line]:
    """The JSON objects of a file with one a line, in the order of their steps, the later of two for the same step.

    Other lines are passed over, and so are objects without a step; without a file there are none.

    Raises:
        OSError: the file is there and cannot be read.
    """
    lines = [_parsed(line) for line in _text(path).splitlines()]
    steps = [number(line.get("step")) for line in lines]
    # evaluations of one step differ in their split
    kept = {(step, str(line.get("split"))): line for step, line in zip(steps, lines, strict=True) if step is not None}
    return [kept[key] for key in sorted(kept)]


class Found(NamedTuple):
    """What the page shows of a survey: name, folder and number of usable pictures of each set, and the findings."""

    sets: tuple[tuple[str, str, int], ...]
    findings: tuple[str, ...]


def read_survey(path: Path) -> Found | None:
    """What was found before the first step, if a survey was kept and is whole."""
    try:
        return _found(path, path.stat().st_mtime_ns)
    except FileNotFoundError:
        return None


@lru_cache(maxsize=1)
def _found(path: Path, _changed: int) -> Found | None:
    """Kept, because the page is built again and again, and a survey holds a line for every picture."""
    try:
        survey = Survey.from_json(_text(path))
    except ValueError:
        return None
    sets = tuple((name, str(pictures.folder), len(pictures.usable)) for name, pictures in survey.sets.items())
    return Found(sets, survey.findings)


def number(value: object) -> float | None:
    """A finite number, or nothing."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:  # an integer of more than 308 digits
        return None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""


def _parsed(line: str) -> Line:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
