"""Real processes, really killed: no file is lost, broken or left over, and the next run goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from pipeline.batch import whole_results

SCRIPT = Path(__file__).with_name("batch.py")
KILLS = 50


def pictures(folder: Path, photo: Callable[..., Path], count: int) -> Path:
    for number in range(count):
        photo(folder / "in" / f"{number:03}.png", colour=(number, 0, 0))
    return folder


def start(folder: Path, seconds: float, *more: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(SCRIPT.parents[1])}
    command = [sys.executable, str(SCRIPT), str(folder), str(seconds), *more]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(process: subprocess.Popen[str]) -> tuple[int, list[str], str]:
    out, err = process.communicate(timeout=60)
    return process.returncode, out.splitlines(), err


def hidden(folder: Path) -> list[str]:
    return [path.name for path in (folder / "out").iterdir() if path.suffix != ".png"]


def test_killed_at_any_moment_a_batch_goes_on(tmp_path: Path, photo: Callable[..., Path]) -> None:
    pictures(tmp_path, photo, 150)
    code, lines, err = finish(start(tmp_path, 0.005, str(KILLS)))
    assert (code, err) == (0, "")
    counts = [int(line) for line in lines]
    assert len(counts) == KILLS
    assert counts == sorted(counts), "nothing that was done is lost"
    assert len(set(counts)) > 3, "the kills hit runs at work"
    before = len(whole_results(tmp_path))
    code, lines, err = finish(start(tmp_path, 0))
    assert (code, err) == (0, "")
    assert lines == [f"{150 - before} to do"] + ["Written"] * (150 - before), "nothing is done twice"
    assert len(whole_results(tmp_path)) == 150
    assert hidden(tmp_path) == [".ugatit-journal.jsonl"]


KILLED_BEFORE_THE_NAME = """
import os, signal, sys
from pathlib import Path
from pipeline.batch import translate_folder
os.replace = lambda part, target: os.kill(os.getpid(), signal.SIGKILL)
translate_folder(Path(sys.argv[1]), 0)
"""


def test_killed_while_a_result_is_made_again_a_batch_goes_on(tmp_path: Path, photo: Callable[..., Path]) -> None:
    pictures(tmp_path, photo, 2)
    assert finish(start(tmp_path, 0))[0] == 0
    command = [sys.executable, "-c", KILLED_BEFORE_THE_NAME, str(tmp_path)]
    for side in (40, 48):  # more than one record may be of bytes that never got the name
        photo(tmp_path / "in" / "000.png", size=(side, side), colour=(0, 0, 0))
        killed = subprocess.run(command, env={**os.environ, "PYTHONPATH": str(SCRIPT.parents[1])}, capture_output=True)
        assert killed.returncode == -signal.SIGKILL
    assert finish(start(tmp_path, 0)) == (0, ["1 to do", "Written"], "")
    assert finish(start(tmp_path, 0)) == (0, ["0 to do"], "")
    assert len(whole_results(tmp_path)) == 2


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_first_signal_finishes_what_is_under_way(
    number: int, code: int, tmp_path: Path, photo: Callable[..., Path]
) -> None:
    process = start(pictures(tmp_path, photo, 40), 0.05)
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.readline()
    process.send_signal(number)
    returncode, lines, err = finish(process)
    assert (returncode, err) == (code, "")
    assert "stopping" in lines
    assert len(whole_results(tmp_path)) == lines.count("Written") + 1 < 20
    assert hidden(tmp_path) == [".ugatit-journal.jsonl"]


STUCK = """
import hashlib
from ugatit_cli.pipeline import watch_signals
with watch_signals(lambda: print("heard", flush=True)):
    print("ready", flush=True)
    hashlib.pbkdf2_hmac("sha256", b"", b"", 10**9)  # minutes in C code, where Python hears no signal
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_second_signal_ends_even_a_network_that_does_not_listen(number: int, code: int) -> None:
    process = subprocess.Popen([sys.executable, "-c", STUCK], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(number)
    assert process.stdout.readline() == "heard\n"
    begun = time.monotonic()
    process.send_signal(number)
    returncode, _, err = finish(process)
    assert (returncode, err) == (code, "")
    assert time.monotonic() - begun < 2


LISTENING = """
import time
from ugatit_cli.pipeline import watch_signals
def announce():
    time.sleep(0.3)  # the main thread has heard of the first signal by then: two that come before it does are one to Python
    print("heard", flush=True)
with watch_signals(announce):
    try:
        print("ready", flush=True)
        time.sleep(30)
        time.sleep(30)
    finally:
        print("put away", flush=True)
"""


def test_the_second_signal_lets_the_program_put_things_away() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", LISTENING], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    for line in ("ready\n", "heard\n"):
        assert process.stdout.readline() == line
        process.send_signal(signal.SIGINT)
    assert finish(process) == (130, ["put away"], "")
