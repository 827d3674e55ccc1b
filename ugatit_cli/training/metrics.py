"""Lines of numbers in the run folder, one JSON object each: metrics.jsonl and evaluations.jsonl."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from ..files import write_atomically, writing

METRICS = "metrics.jsonl"
EVALUATIONS = "evaluations.jsonl"


def append_line(path: Path, line: dict[str, Any]) -> None:
    """Raises OutputError or ResourceError when it cannot be written."""
    with writing(path), path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The whole lines of a file that may not be there; one that a kill cut off is left out."""
    if not path.exists():
        return []
    found = []
    for text in path.read_text("utf-8").splitlines():
        try:
            line = json.loads(text)
        except ValueError:
            continue
        if isinstance(line, dict) and isinstance(line.get("step"), int):
            found.append(line)
    return found


def forget_lines_after(path: Path, step: int) -> None:
    """What was written after the checkpoint that a run goes on from will be written again, as what its end reports will."""
    if path.exists():
        kept = [line for line in read_lines(path) if line["step"] <= step and line.get("split") != "report"]
        write_atomically(path, "".join(json.dumps(line) + "\n" for line in kept).encode())


def means(interval: list[dict[str, float]]) -> dict[str, float]:
    """Of every loss over the steps that have it: the generators have none while only the discriminators learn."""
    names = {name: None for losses in interval for name in losses}
    found = {}
    for name in names:
        values = [losses[name] for losses in interval if math.isfinite(losses.get(name, math.nan))]
        if values:
            found[name] = sum(values) / len(values)
    return found
