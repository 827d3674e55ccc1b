"""One training process at a time in a run, told by name, and no trace of killed ones."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from ugatit_cli.errors import OutputError
from ugatit_cli.pipeline.claim import LOCK
from ugatit_cli.training.run_lock import hold

HOLDER = """
import sys, time
from pathlib import Path
from ugatit_cli.training.run_lock import hold
with hold(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_process_is_kept_out_and_told_of_the_first_until_it_is_gone(tmp_path: Path) -> None:
    run = tmp_path / "run"
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(run)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        with pytest.raises(OutputError) as caught, hold(run):
            pass
        assert caught.value.message == f"process {process.pid} on {platform.node()} is training {run} already"
        assert caught.value.exit_code == 10
        process.kill()
    assert (run / LOCK).exists()
    with hold(run):  # killed processes hold nothing
        assert f"process {os.getpid()} on" in (run / LOCK).read_text()
    assert not (run / LOCK).exists()


def test_a_lock_file_that_says_something_else_is_not_repeated(tmp_path: Path) -> None:
    with hold(tmp_path):
        (tmp_path / LOCK).write_text(" process 1 on x\x1b[2J; rm -rf ~\n" * 100)
        with pytest.raises(OutputError, match="^process 1 on x is training"), hold(tmp_path):
            pass
        (tmp_path / LOCK).write_bytes(b"\xff")
        with pytest.raises(OutputError, match="^another process is training"), hold(tmp_path):
            pass


def test_errors_of_the_training_pass_through(tmp_path: Path) -> None:
    error = OutputError("another lock", name="output-locked")
    with pytest.raises(OutputError) as caught, hold(tmp_path):
        raise error
    assert caught.value is error


def test_what_killed_runs_left_is_put_away(tmp_path: Path) -> None:
    left = [tmp_path / ".0123456789ab.ugatit-part", tmp_path / "samples" / ".0123456789ab.ugatit-part"]
    (tmp_path / "samples").mkdir()
    for part in left:
        part.touch()
    (tmp_path / ".step-00000001.building" / "x").mkdir(parents=True)
    with hold(tmp_path):
        assert sorted(path.name for path in tmp_path.rglob("*")) == [LOCK, "samples"]


def test_a_place_that_cannot_be_written_is_an_error_of_output(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot write"), hold(tmp_path / "file" / "run"):
        pass
