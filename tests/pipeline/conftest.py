"""Photographs to translate, and jobs for them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ugatit_cli.pipeline.destination import OutputOptions
from ugatit_cli.pipeline.plan import Job, make_plan


@pytest.fixture
def photo() -> Callable[..., Path]:
    """Write a PNG of one colour; gives its path back."""

    def write(path: Path, *, size: tuple[int, int] = (32, 32), colour: tuple[int, ...] = (200, 100, 50)) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        mode = "RGBA" if len(colour) == 4 else "RGB"
        Image.fromarray(np.full((size[1], size[0], len(colour)), colour, np.uint8), mode=mode).save(path)
        return path

    return write


@pytest.fixture
def planned(tmp_path: Path) -> Callable[..., list[Job]]:
    """The jobs that put what is in `in` into `out`, both folders of the test's own."""

    def plan(*extras: str) -> list[Job]:
        options = OutputOptions(str(tmp_path / "out"), None, "inverted", extras)  # type: ignore[arg-type]
        return make_plan([str(tmp_path / "in")], options, recursive=True)

    return plan
