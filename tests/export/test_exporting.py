"""An export that fails at any step, or is killed: what was there before stays whole, and nothing half-done is kept."""

from __future__ import annotations

import errno
import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from ugatit_cli import weights
from ugatit_cli.config import GeneratorConfig
from ugatit_cli.errors import UgatitError
from ugatit_cli.export import exporting
from ugatit_cli.export.exporting import ExportRequest, export, usual_form
from ugatit_cli.network import Generator

REAL_SYNC = os.fsync
TWO_DAYS = 48 * 3600


def request(folder: Path, seed: int) -> ExportRequest:
    config, path = GeneratorConfig("light", 16, 1, 16), folder / f"{seed}.safetensors"
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        weights.save(path, config, {"a2b": Generator(config).state_dict()}, metadata={})
    picture = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)
    return ExportRequest(weights.load(path), "a2b", usual_form("fp32"), "fp32", [picture], 30.0)


def contents(path: Path) -> str:
    """Of the graph with all its weights; they must be there."""
    model = onnx.load(path)
    return hashlib.sha256(b"".join(each.raw_data for each in model.graph.initializer)).hexdigest()


def failing_at(step: int) -> Callable[[int], None]:
    """What brings files to the disk, and finds it full at that call."""
    calls = 0

    def sync(descriptor: int) -> None:
        nonlocal calls
        calls += 1
        if calls == step:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        REAL_SYNC(descriptor)

    return sync


@pytest.mark.parametrize("one_file", [0, 1 << 30], ids=["with weights beside it", "one file"])
def test_whichever_step_fails_the_graph_before_stays_whole(
    one_file: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, after = request(tmp_path, 1), request(tmp_path, 2)
    folder = tmp_path / "out"
    folder.mkdir()
    path, failures, found = folder / "a.onnx", 0, set()
    monkeypatch.setattr(exporting, "ONE_FILE", 0)
    export(before, path)
    old, names = contents(path), sorted(os.listdir(folder))
    assert names == ["a.onnx", "a.onnx.data"]
    monkeypatch.setattr(exporting, "ONE_FILE", one_file)
    while True:
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", failing_at(failures + 1))
            try:
                export(after, path)
                break
            except UgatitError as error:
                assert error.name == "disk-full"
                failures += 1
        found.add(contents(path))
        assert set(os.listdir(folder)) <= set(names)
    new = contents(path)
    assert failures > 3 and found <= {old, new} and old != new
    assert sorted(os.listdir(folder)) == (names if one_file == 0 else ["a.onnx"])


KILLED = """
import os, sys
from dataclasses import replace
from pathlib import Path
sys.path.append(sys.argv[1])
from export.test_exporting import request
from ugatit_cli.export.exporting import export
folder = Path(sys.argv[2])
export(replace(request(folder, 1), tell=lambda row: os.kill(os.getpid(), 9)), folder / "out" / "a.onnx")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9")
def test_what_a_killed_export_left_is_swept_once_it_is_nobody_s(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    killed = subprocess.run([sys.executable, "-c", KILLED, Path(__file__).parents[1], tmp_path])
    assert killed.returncode == -signal.SIGKILL
    [left] = folder.iterdir()
    assert (left / "a.onnx").is_file()
    export(request(tmp_path, 2), folder / "b.onnx")
    assert left.is_dir(), "it may be another export's"
    then = time.time() - TWO_DAYS
    os.utime(left, (then, then))
    export(request(tmp_path, 2), folder / "b.onnx")
    assert os.listdir(folder) == ["b.onnx"]
