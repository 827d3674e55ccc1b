"""The bundled model's recipe, with a few steps of a tiny network over drawn pictures."""

from __future__ import annotations

import itertools
import json
import os
import runpy
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from ugatit_cli import weights
from ugatit_cli.config import GeneratorConfig
from ugatit_cli.network import Generator

SCRIPT = Path(__file__).resolve().parents[1] / "models" / "portrait2toon" / "training" / "train.sh"

Pixels = NDArray[np.uint8]

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

    packed = tmp_path / "data.tar"
    with tarfile.open(packed, "w") as archive:
        for folder in data.iterdir():
            archive.add(folder, folder.name)

    def train() -> str:
        words = ["sh", str(SCRIPT), str(packed), str(out), "toy"]
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


def test_the_mean_of_two_models(tmp_path: Path) -> None:
    one, other, mean, again = (tmp_path / f"{name}.safetensors" for name in ("one", "other", "mean", "again"))
    config, states = GeneratorConfig("light", 4, blocks=1, image_size=32), []
    for seed, path in enumerate((one, other)):
        torch.manual_seed(seed)
        states.append(Generator(config).state_dict())
        weights.save(path, config, {"a2b": states[-1]}, metadata={"license": f"of {seed}", "source": "x"})
    for path in (mean, again):
        words = [sys.executable, str(SCRIPT.with_name("average.py")), str(one), str(other), str(path)]
        subprocess.run(words, check=True, timeout=60)
    made = weights.load(mean)
    assert (made.config, made.metadata["license"]) == (config, "of 0")
    for name, tensor in made.generators["a2b"].items():
        torch.testing.assert_close(tensor, (states[0][name] + states[1][name]) / 2)
    assert mean.read_bytes() == again.read_bytes()


@pytest.fixture(scope="module")
def matching() -> dict[str, Any]:
    return runpy.run_path(str(SCRIPT.with_name("match.py")))


RED, BLUE, SKIN, EYES = (168, 56, 56), (96, 128, 224), (246, 198, 162), (20, 20, 20)


@pytest.fixture
def drawing() -> Pixels:
    """As ToonHead draws them: a head before one colour, and clothes."""
    pixels = np.full((256, 256, 3), RED, np.uint8)
    pixels[40:, 60:196] = SKIN
    pixels[130:140, 90:166] = EYES
    pixels[200:220, 120:140] = RED  # clothes of the background's colour
    return pixels


def test_a_drawing_is_put_before_another_background_and_its_eyes_move_up(
    matching: dict[str, Any], drawing: Pixels
) -> None:
    blue = np.full((256, 256, 3), BLUE, np.uint8)
    for busy in (False, True):
        low, high = matching["EYES_WANTED"][busy]
        behind = matching["Background"](blue, busy)
        for seed in range(5):
            placed = matching["place"](drawing, behind, np.random.default_rng(seed))
            rows = np.flatnonzero((placed[:, 128] < 60).all(axis=1))
            assert low - 0.02 <= rows.mean() / 256 <= high + 0.02
            assert (placed[-1, 128] == SKIN).all() and (placed[:, 2] == BLUE).all()
            assert (placed == RED).all(axis=2).any(), "the clothes keep their colour"


def test_a_zoomed_portrait_and_its_drawing_are_as_large_and_their_eyes_as_high(
    matching: dict[str, Any], drawing: Pixels
) -> None:
    portrait = np.full((256, 256, 3), BLUE, np.uint8)
    portrait[98:102, 118:138] = EYES  # at 0.39 of the height
    zoomed = matching["zoomed"](portrait, 1.4)
    rows, columns = np.nonzero((zoomed < 60).all(axis=2))
    assert rows.mean() / 256 == pytest.approx(0.42, abs=0.01) and columns.mean() == pytest.approx(127.5, abs=1)
    assert np.ptp(columns) == pytest.approx(20 * 1.4, abs=2)
    widths, eyes = [], []
    for zoom in (1.0, 1.4):
        behind = matching["Background"](np.full((256, 256, 3), BLUE, np.uint8), True, zoom)
        placed = matching["place"](drawing, behind, np.random.default_rng(0))
        rows, columns = np.nonzero((placed < 60).all(axis=2))
        widths.append(np.ptp(columns))
        eyes.append(rows.mean() / 256)
    assert widths[1] == pytest.approx(1.4 * widths[0], abs=3)
    assert eyes[1] == pytest.approx(0.42 + 1.4 * (eyes[0] - 0.39), abs=0.01), "as far from the middle, enlarged"


def test_traits_are_as_frequent_as_wanted(matching: dict[str, Any], drawing: Pixels) -> None:
    drawing[176:200, 60:92] = RED  # narrower than the head: a neck
    traits = np.array([*itertools.product([False, True], repeat=4)] * 2)
    drawings = []
    for dark, long_hair, suit, laugh in traits:
        pixels = drawing.copy()
        if dark:
            pixels[140:180, 110:170] = (90, 54, 42)
        if long_hair:
            pixels[180:200, 70:90] = EYES
        if suit:
            pixels[210:222, 110:120], pixels[240:] = (200, 232, 245), (40, 40, 50)
        if laugh:
            pixels[172:177, 116:140] = pixels[150, 150] - 8
        drawings.append(pixels)
    found = matching["frequencies"](drawings)
    light, *_, dark = matching["TONES"].values()
    wanted = [dark / (light + dark), matching["LONG_HAIR"], matching["SUIT"], matching["LAUGH"]]
    assert found @ traits == pytest.approx(wanted, abs=1e-6)


def test_a_background_is_what_stands_beside_the_head_without_the_person(matching: dict[str, Any]) -> None:
    portrait = np.full((256, 256, 3), BLUE, np.uint8)
    portrait[50:, 80:176] = SKIN
    portrait[180:, 30:226] = EYES
    assert not matching["is_busy"](portrait) and (matching["plain_background"](portrait) == BLUE).all()
    portrait[:, :15] = RED
    portrait[:, 15:30] = EYES
    assert matching["is_busy"](portrait)
    drawn = matching["drawn_background"](portrait)
    assert np.abs(drawn[60, 5].astype(int) - RED).max() < 20 and np.abs(drawn[60, 250].astype(int) - BLUE).max() < 20
    assert not (np.abs(drawn.astype(int) - SKIN).max(axis=2) < 40).any()
