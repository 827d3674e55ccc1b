"""The bundled model's recipe, with a few steps of a tiny network over drawn pictures."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ugatit_cli import weights
from ugatit_cli.config import GeneratorConfig
from ugatit_cli.network import Generator

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
    (out / "runs" / "48" / "finished").unlink()  # or before its first checkpoint
    for checkpoint in (out / "runs" / "48").glob("step-*"):
        shutil.rmtree(checkpoint)
    assert "step 0 of 10" in train() and (model / "weights.safetensors").read_bytes() == before


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
