"""Films through the whole of the program but a network: every colour becomes its opposite."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pipeline.inverting import InvertingBackend

from ugatit_cli.commands.film_run import FilmRun, open_film, run_film
from ugatit_cli.console import Console, Verbosity
from ugatit_cli.filming import FilmSettings, plan_film
from ugatit_cli.framing import Framing
from ugatit_cli.loading import LoadedModel
from ugatit_cli.pipeline import Settings, Written

Invert = Callable[..., Written]


def invert_film(
    source: Path, target: Path | None, *, backend: Any = None, fit: Any = "stretch", **choices: Any
) -> Written:
    """`source` into `target`, with the choices of `FilmSettings`."""
    pictures = Settings(None, None, fit, choices.pop("output_size", "source"), 95)
    overwrite = choices.pop("overwrite", False)
    settings = FilmSettings(pictures, **{"steady": "off", **choices})
    plan = plan_film(source, None if target is None else str(target), "inverted", settings, overwrite=overwrite)
    run = FilmRun(plan, settings, open_film(plan, settings), 1, True, "again")
    model = LoadedModel(backend or InvertingBackend(), "0" * 64, None, "light", "")
    return run_film(run, model, Framing(fit, 64, True), Console(Verbosity.QUIET))


@pytest.fixture
def invert() -> Invert:
    return invert_film
