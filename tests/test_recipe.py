"""The bundled model's recipe, with a few steps of a tiny network over drawn pictures."""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

SCRIPT = Path(__file__).resolve().parents[1] / "models" / "portrait2toon" / "training" / "train.sh"

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a shell script")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    random = np.random.default_rng(0)
    for folder, count in (("trainA", 6), ("trainB", 6), ("testA", 4), ("testB", 4)):
        place = tmp_path / "data" / folder
        place.mkdir(parents=True)
        for number in range(count):
            blocks = random.integers(0, 256, (16, 16, 3), np.uint8)
            Image.fromarray(blocks).resize((256, 256)).save(place / f"{number}.jpg")
    return tmp_path / "data"


def test_the_recipe_makes_a_model_with_all_that_belongs_to_it_and_goes_on_where_it_stopped(
    data: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    program = Path(sys.executable).with_name("ugatit")
    settings = {"UGATIT": str(program), "PYTHON": sys.executable, "UGATIT_CACHE": str(tmp_path / "cache")}

    def train() -> str:
        words = ["sh", str(SCRIPT), str(data), str(out), "toy"]
        done = subprocess.run(words, env={**os.environ, **settings}, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        return done.stderr

    train()
    model = out / "model"
    made = {path.name for path in model.iterdir()}
    assert made >= {"weights.safetensors", "README.md", "samples.jpg", "measures.json", "metrics.jsonl", "index.html"}
    with Image.open(model / "samples.jpg") as sheet:
        assert sheet.size == (5 * 192, 192)
    assert {"a2b", "b2a"} <= set(json.loads((model / "measures.json").read_text()))
    before = (model / "weights.safetensors").read_bytes()
    (out / "runs" / "48" / "finished").unlink()  # as if it had been interrupted at its end
    assert "of 10" in train() and (model / "weights.safetensors").read_bytes() == before


def test_only_the_background_of_a_drawing_is_coloured_anew_and_its_eyes_move_up() -> None:
    program = runpy.run_path(str(SCRIPT.with_name("match_drawings.py")))
    red, blue, skin, eyes = (168, 56, 56), (96, 128, 224), (240, 192, 156), (20, 20, 20)
    drawing = np.full((256, 256, 3), red, np.uint8)
    drawing[40:, 60:196] = skin
    drawing[130:140, 90:166] = eyes
    drawing[200:220, 110:140] = red  # clothes of the background's colour
    coloured = program["recolour"](drawing, np.array(blue, np.uint8))
    assert (
        (coloured[:30] == blue).all() and (coloured[202:218, 112:138] == red).all() and (coloured[60, 70] == skin).all()
    )
    placed = program["place"](coloured, np.array(blue, np.uint8), np.random.default_rng(0))
    rows = np.flatnonzero((placed[:, 128] < 60).all(axis=1))
    low, high = program["EYES_WANTED"]
    assert low - 0.02 <= rows.mean() / 256 <= high + 0.02 and (placed[-1, 128] == skin).all()
