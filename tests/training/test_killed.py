"""Real processes, really killed, in the middle of a save too: the run goes on to the very same bits."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ugatit_cli.training.checkpoint_files import STATE, list_checkpoints, verify

REPOSITORY = Path(__file__).resolve().parents[2]
TINY = ["--size", "32", "--channels", "4", "--blocks", "1", "--discriminator-channels", "4", "--log-every", "1"]
TINY += ["--evaluate-every", "0", "--track", "none"]  # which take longer than the steps
KILLS = 100

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="kill -9 and fork")


def killing(*words: object) -> dict[str, Any]:
    """What `training.killed` reports."""
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY / "tests")}
    command = [sys.executable, "-m", "training.killed", *map(str, words)]
    result = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    report: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    return report


def assert_same_ends(run: Path, straight: Path) -> None:
    """Networks, averages and optimisers to the bit, and the place in the data."""
    step, ours = list(list_checkpoints(run).items())[-1]
    their_step, theirs = list(list_checkpoints(straight).items())[-1]
    assert step == their_step
    for path in sorted(theirs.glob("*.safetensors")):
        assert (ours / path.name).read_bytes() == path.read_bytes(), path.name
    one, other = (json.loads((folder / STATE).read_text()) for folder in (ours, theirs))
    assert [one[name] for name in ("step", "order", "data_position", "scaler")] == [
        other[name] for name in ("step", "order", "data_position", "scaler")
    ]


def test_a_save_killed_at_any_call_leaves_a_whole_checkpoint_and_best_step(tmp_path: Path) -> None:
    assert killing("saves", tmp_path)["kills"] > 80


def test_a_run_killed_at_random_calls_ends_as_an_undisturbed_one(tmp_path: Path, folders: tuple[Path, Path]) -> None:
    report = killing("runs", tmp_path, 8)
    assert report["kills"] >= 15
    assert report["reached"] == sorted(report["reached"]), "what was saved is never lost"
    assert_same_ends(tmp_path / "run", tmp_path / "straight")


@contextmanager
def training(*words: str) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "ugatit_cli", "train", *words]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        yield process


def finish(*words: str) -> None:
    with training(*words) as process:
        _, stderr = process.communicate()
        assert process.returncode == 0, stderr.decode()


def wait_for_more(run: Path, process: subprocess.Popen[bytes], step: int) -> None:
    while max(list_checkpoints(run), default=0) <= step:
        assert process.poll() is None, process.stderr.read().decode() if process.stderr else ""
        time.sleep(0.002)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_hundred_processes_killed_at_random_moments(tmp_path: Path, folders: tuple[Path, Path]) -> None:
    """Each is killed up to a fifth of a second, more than a step with its save takes, after it saved something."""
    data = ["--a", str(folders[0]), "--b", str(folders[1]), *TINY, "--steps", "400"]
    run, moments, inside = tmp_path / "run", random.Random(1), 0
    words = [*data, "--save-every", "1", "--out", str(run)]
    for _ in range(KILLS):
        step = max(list_checkpoints(run), default=0)
        with training(*words) as process:
            wait_for_more(run, process, step)
            time.sleep(moments.uniform(0, 0.2))
            process.send_signal(signal.SIGKILL)
        assert process.returncode == -signal.SIGKILL, "the run has ended before the kills have"
        for folder in list_checkpoints(run).values():
            verify(folder)
        inside += any(path.name.startswith(".step-") for path in run.iterdir())
        words = ["--resume", str(run)]
    assert inside > KILLS // 20, "kills hit saves at work"
    finish("--resume", str(run))
    finish(*data, "--out", str(tmp_path / "straight"))
    assert_same_ends(run, tmp_path / "straight")
