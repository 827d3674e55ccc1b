"""`ugatit bench`: every way in a process of its own, all compared with the first."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from commands.conftest import with_a_small_disk
from typer.testing import CliRunner

from ugatit_cli import weights
from ugatit_cli.benchmarking.contest import Contest, Measured, Way, best
from ugatit_cli.cli import app
from ugatit_cli.commands.bench import table
from ugatit_cli.config import GeneratorConfig
from ugatit_cli.network import Generator
from ugatit_cli.parity import Parity


@dataclass(frozen=True)
class Chosen(Contest):
    """A contest of some ways only."""

    chosen: tuple[Way, ...] = ()

    def ways(self) -> list[Way]:
        return list(self.chosen)


def test_every_way_is_measured_and_compared(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that lies in the user's folder is run, whatever it is called."""
    for name in ("onnxruntime", "openvino", "torch", "ugatit_cli"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('a file of the user was run')")
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["bench", "-m", str(model), "--batch-sizes", "2", "--runs", "1", "--json"])
    assert done.exit_code == 0, done.stderr
    rows = json.loads(done.stdout)["rows"]
    ways = {(row["backend"], row["precision"]) for row in rows if row["device"] == "cpu"}
    assert ways == {("torch", "fp32"), *((each, kind) for each in ("onnx", "openvino") for kind in ("fp32", "int8"))}
    assert [row["problem"] for row in rows] == [""] * len(rows)
    assert sum(row["best"] for row in rows) == 1
    assert all(row["parity"]["largest"] <= 1 for row in rows if row["precision"] == "fp32")
    assert all(row["seconds"] > 0 and row["peak_bytes"] > 10e6 and row["batch"] == 2 for row in rows)


CHATTY = """
import sys
print("welcome", end=" ", flush=True)
sys.path.remove({folder!r})
del sys.modules["onnxruntime"]
import onnxruntime
"""


def test_a_library_may_print(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "onnxruntime.py").write_text(CHATTY.format(folder=str(tmp_path)))
    monkeypatch.syspath_prepend(tmp_path)
    contest = Chosen(model, weights.load(model), 32, (1,), 1, tmp_path, (Way("onnx", "cpu", "fp32", 1),))
    [measured] = contest.run()
    assert measured.problem == "" and measured.numbers["seconds"] > 0


def test_a_graph_that_is_refused_is_a_problem_of_its_way(tmp_path: Path) -> None:
    path, config = tmp_path / "grey.safetensors", GeneratorConfig("light", 4, 1, 32)
    state = Generator(config).state_dict()
    last = [name for name, tensor in state.items() if tensor.ndim == 4][-1]
    weights.save(path, config, {"a2b": {**state, last: 0 * state[last]}}, metadata={})
    ways = Way("onnx", "cpu", "int8", 1), Way("torch", "cpu", "fp32", 1)
    refused, measured = Chosen(path, weights.load(path), 32, (1,), 1, tmp_path, ways).run()
    assert refused.problem == "the model's output is one colour, whatever the picture"
    assert measured.problem == "" and measured.parity is not None


@pytest.mark.parametrize("size", [24, 64], ids=["the pictures", "their translations"])
def test_a_full_disk_for_temporary_files_is_no_bug(size: int, model: Path, tmp_path: Path) -> None:
    words: list[str | Path] = ["bench", "-m", model, "--size", "64", "--batch-sizes", "4", "--runs", "1"]
    done = with_a_small_disk(tmp_path, size, *words)
    assert (done.returncode, f"cannot write {tmp_path}" in done.stderr) == (8, True), done.stderr
    assert "the disk is full" in done.stderr


@pytest.mark.parametrize(
    "words", [["--batch-sizes", "1,x"], ["--batch-sizes", "0"], ["-m", "missing"], ["--size", "33"]]
)
def test_usage(words: list[str]) -> None:
    assert CliRunner().invoke(app, ["bench", *words]).exit_code == 2


def test_full_has_one_size(other_model: Path) -> None:
    done = CliRunner().invoke(app, ["bench", "-m", str(other_model), "--size", "64"])
    assert (done.exit_code, done.stdout) == (2, "")
    assert "works at 32 pixels only" in done.stderr


def test_the_best_is_the_fastest_that_is_near_enough() -> None:
    def measured(seconds: float, psnr: float) -> Measured:
        return Measured(Way("onnx", "cpu", "fp32", 1), {"seconds": seconds}, Parity(1, 1, 0.1, psnr, psnr))

    near, far, slow = measured(0.1, 50), measured(0.01, 20), measured(1.0, 90)
    assert best([slow, near, far], 35) is near
    assert best([far, Measured(near.way, problem="it broke")], 35) is None


def test_without_pytorch_nothing_is_compared(tmp_path: Path) -> None:
    """As where it is ended for the memory it wants."""

    class Stubborn(Chosen):
        def _measure(self, way: Way) -> tuple[Measured, np.ndarray | None]:
            if way.backend == "torch":
                return Measured(way, problem="ended by signal 9"), None
            numbers = dict.fromkeys(("seconds", "load_seconds", "first_seconds", "peak_bytes"), 1.0)
            return Measured(way, numbers), np.zeros((1, 8, 8, 3), np.uint8)

    ways = (Way("torch", "cpu", "fp32", 1), Way("onnx", "cpu", "fp32", 1), Way("onnx", "cpu", "int8", 1))
    contest = Stubborn(tmp_path, None, 32, (1,), 1, tmp_path, ways)  # type: ignore[arg-type]
    found = list(contest.run())
    assert [each.parity for each in found] == [None] * 3 and best(found, 35) is None
    assert [line.split()[-2:] for line in table(found, None, 32)[3:]] == [["-", "-"], ["-", "-"]]
