"""Real processes, really killed: the film goes on, and what comes out equals that of a run that was let alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from filming.conftest import Invert
from films import Film, times_of

from ugatit_cli import files
from ugatit_cli.errors import UsageError
from ugatit_cli.filming import assembling
from ugatit_cli.filming.plan import work_folder

SCRIPT = Path(__file__).with_name("film.py")
FRAMES = 60


def start(*words: object) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(SCRIPT.parents[1]), str(SCRIPT.parents[2])])}
    command = [sys.executable, str(SCRIPT), *map(str, words)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(process: subprocess.Popen[str]) -> tuple[int, str]:
    out, err = process.communicate(timeout=100)
    assert err == ""
    return process.returncode, out


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Film(frames=FRAMES, audio=(("aac", "deu"),)).make(tmp_path_factory.mktemp("films") / "a.mp4")


@pytest.mark.parametrize("steady", ["off", "auto"])
def test_killed_at_any_moment_a_film_ends_as_if_nothing_had_happened(source: Path, tmp_path: Path, steady: str) -> None:
    alone, killed = tmp_path / "alone.mp4", tmp_path / "killed.mp4"
    assert finish(start(source, alone, 0, steady)) == (0, "begin\n")
    code, out = finish(start(source, killed, 0.015, steady, 12))
    assert code == 0, out
    counts = [int(line) for line in out.splitlines() if line != "begin"]
    assert counts == sorted(counts), "nothing that was done is lost"
    assert len(set(counts)) > 2, "the kills hit runs at work"
    for extra in ("", ".compare"):
        names = [path.with_name(f"{path.stem}{extra}.mp4") for path in (alone, killed)]
        assert names[0].read_bytes() == names[1].read_bytes()
    assert times_of(killed) == times_of(source)
    assert {path.name for path in tmp_path.iterdir()} == {
        *("alone.mp4", "alone.compare.mp4", "killed.mp4", "killed.compare.mp4")
    }


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_keeps_what_is_finished(source: Path, tmp_path: Path, number: int, code: int) -> None:
    target = tmp_path / "b.mp4"
    process = start(source, target, 0.02, "off")
    while len(list(work_folder(target).glob("*.state"))) < 2:
        time.sleep(0.02)
    process.send_signal(number)
    assert finish(process)[0] == code
    assert not target.exists()
    assert len(list(work_folder(target).glob("*.state"))) >= 2
    assert list(work_folder(target).glob("*.ugatit-part")) == []
    assert finish(start(source, target, 0, "off"))[0] == 0
    assert len(times_of(target)) == FRAMES


def test_pictures_that_came_after_a_kill_are_left_as_they_are(source: Path, tmp_path: Path, invert: Invert) -> None:
    own = tmp_path / "own"
    process = start(source, own, 0.02, "off")
    while not list(work_folder(own).glob("*.state")):
        time.sleep(0.02)
    process.kill()
    process.communicate()
    own.mkdir()
    names = ["000001.png", "000061.png"]
    for name in names:
        (own / name).write_text("mine")
    with pytest.raises(UsageError, match="own would be overwritten") as refused:
        invert(source, own)
    assert refused.value.name == "output-exists"
    assert sorted((path.name, path.read_text()) for path in own.iterdir()) == [(name, "mine") for name in names]


def test_a_folder_that_was_being_filled_is_filled_anew(
    source: Path, tmp_path: Path, invert: Invert, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = files.write_atomically

    def killed(path: Path, data: bytes) -> None:
        if path.name == "000004.png":
            raise KeyboardInterrupt
        write(path, data)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(assembling, "write_atomically", killed)
        invert(source, tmp_path / "frames")
    assert len(list((tmp_path / "frames").iterdir())) == 3
    invert(source, tmp_path / "frames")
    assert len(list((tmp_path / "frames").iterdir())) == FRAMES
    assert [path.name for path in tmp_path.iterdir()] == ["frames"]
