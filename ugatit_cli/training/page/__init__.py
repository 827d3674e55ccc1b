"""RUN/index.html: one file that shows a run, without a network and without a server, rebuilt as the run goes on."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

from ...files import write_atomically, writing
from ..config import TrainConfig
from . import tables
from .curves import curves, rho_histograms
from .evaluations import evaluations
from .records import read_lines, read_survey
from .sheets import read_sheets
from .text import markup

__all__ = ["PageStatus", "write_page"]

PAGE = "index.html"
_MARK = re.compile(
    r"/\*\{(\w+)\}\*/|<!--\{(\w+)\}-->"
)  # comments in HTML, CSS and JavaScript, so that editors know the files


@dataclass(frozen=True)
class PageStatus:
    """Where a run stands.

    Attributes:
        step, steps: done, and in all.
        seconds_per_step: lately.
        warnings: a plain sentence each, the newest last.
        finished: whether nothing more will come: the last step is done, or the run was stopped.
        environment: what `describe_environment` gave.
        processes: that train together, each on pictures of its own.
    """

    step: int
    steps: int
    seconds_per_step: float
    warnings: tuple[str, ...]
    finished: bool
    environment: Mapping[str, str] = field(default_factory=dict)
    processes: int = 1


def write_page(run: Path, config: TrainConfig, status: PageStatus) -> None:
    """Build RUN/index.html from metrics.jsonl, evaluations.jsonl, survey.json and samples/, whichever are there.

    Lines and files that are damaged are left out.

    Raises:
        OutputError, ResourceError: a file cannot be read or written.
    """
    target = run / PAGE
    with writing(target):
        page = _page(run, config, status)
    write_atomically(target, page.encode())


def _page(run: Path, config: TrainConfig, status: PageStatus) -> str:
    metrics = read_lines(run / "metrics.jsonl")
    measured = evaluations(read_lines(run / "evaluations.jsonl"))
    name = run.resolve().name
    data = {
        "curves": curves(metrics),
        "rho": rho_histograms(metrics),
        "evaluations": measured,
        "sheets": read_sheets(run / "samples"),
    }
    return _filled(
        _template("page.html"),
        {
            "style": _template("page.css"),
            "script": _template("page.js"),
            "data": _embedded(data),
            "name": markup(name),
            "progress": tables.progress(status, config, datetime.now().astimezone()),
            "warnings": tables.warnings(status.warnings),
            "evaluations": tables.evaluations(measured),
            "settings": tables.settings(config),
            "environment": tables.environment(status.environment, config),
            "survey": tables.survey(read_survey(run / "survey.json")),
        },
    )


def _template(name: str) -> str:
    return files(__name__).joinpath(name).read_text(encoding="utf-8")


def _filled(template: str, parts: dict[str, str]) -> str:
    """In one pass, so that a mark in someone's text stays text."""
    return _MARK.sub(lambda match: parts[match[1] or match[2]], template)


def _embedded(data: Any) -> str:
    """JSON that no text in it can end: `<` stands only in strings there, and may be written as an escape."""
    return json.dumps(data, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
