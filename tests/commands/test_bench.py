"""`ugatit bench`: every way in a process of its own, all compared with the first."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ugatit_cli.benchmarking.contest import Measured, Way, best
from ugatit_cli.cli import app
from ugatit_cli.parity import Parity


def test_every_way_is_measured_and_compared(model: Path) -> None:
    done = CliRunner().invoke(app, ["bench", "-m", str(model), "--batch-sizes", "2", "--runs", "1", "--json"])
    assert done.exit_code == 0, done.stderr
    rows = json.loads(done.stdout)["rows"]
    ways = {(row["backend"], row["precision"]) for row in rows if row["device"] == "cpu"}
    assert ways == {("torch", "fp32"), *((each, kind) for each in ("onnx", "openvino") for kind in ("fp32", "int8"))}
    assert [row["problem"] for row in rows] == [""] * len(rows)
    assert sum(row["best"] for row in rows) == 1
    assert all(row["parity"]["largest"] <= 1 for row in rows if row["precision"] == "fp32")
    assert all(row["seconds"] > 0 and row["peak_bytes"] > 10e6 and row["batch"] == 2 for row in rows)


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
