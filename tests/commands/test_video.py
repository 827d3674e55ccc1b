"""`ugatit video` with a real, tiny network: what a user sees and what a script can rely on."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest
from films import Film, packets_of, times_of
from PIL import Image
from typer.testing import CliRunner, Result

from ugatit_cli.cli import app
from ugatit_cli.filming.plan import work_folder

Run = Callable[..., Result]


@pytest.fixture
def run(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command with the tiny model, in this process and in a folder of the test's own."""
    monkeypatch.chdir(tmp_path)

    def run(*words: str, code: int = 0) -> Result:
        result = CliRunner().invoke(app, [*words, "-m", str(model), "--backend", "torch"], prog_name="ugatit")
        assert result.exit_code == code, result.output
        return result

    return run


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return Film(audio=(("aac", "deu"),)).make(tmp_path / "clip.mp4")


def names() -> list[str]:
    return sorted(path.name for path in Path().iterdir())


@pytest.mark.usefixtures("clip")
def test_a_film_beside_itself(run: Run) -> None:
    result = run("video", "clip.mp4")
    assert result.stdout == "clip.tiny.mp4\n"
    assert result.stderr.splitlines()[-1].startswith("1 written in ")
    assert names() == ["clip.mp4", "clip.tiny.mp4"]
    assert times_of(Path("clip.tiny.mp4")) == times_of(Path("clip.mp4"))
    assert packets_of(Path("clip.tiny.mp4"), "audio") == packets_of(Path("clip.mp4"), "audio")


@pytest.mark.usefixtures("clip")
def test_a_report_for_scripts(run: Run) -> None:
    report = json.loads(run("video", "clip.mp4", "b.mp4", "--json").stdout)
    (item,) = report["items"]
    assert (item["status"], item["files"], item["frames"], item["size"]) == (
        "written",
        {"result": "b.mp4"},
        12,
        [64, 48],
    )
    assert item["encoder"] == "libx264"
    assert set(item["flicker"]) == {"pairs", "source", "without", "steadied"}
    assert (report["command"], report["exit_code"], report["summary"]["written"]) == ("video", 0, 1)


@pytest.mark.usefixtures("clip")
def test_flicker_is_told_before_and_after(run: Run) -> None:
    told = r"flicker, levels from frame to frame: [\d.]+ without steadying, [\d.]+ with, [\d.]+ in the film itself"
    assert re.search(told, run("video", "clip.mp4", "b.mp4").stderr)
    assert "flicker" not in run("video", "clip.mp4", "c.mp4", "--steady", "off").stderr


@pytest.mark.usefixtures("clip")
def test_a_dry_run_writes_nothing(run: Run) -> None:
    assert run("video", "clip.mp4", "b.mkv", "--compare", "--dry-run").stdout.splitlines() == ["b.mkv", "b.compare.mkv"]
    assert names() == ["clip.mp4"]


@pytest.mark.usefixtures("clip")
@pytest.mark.parametrize(
    ("written", "rate"), [("29.97002997002997", Fraction(30_000, 1001)), ("11.988011988", Fraction(12_000, 1001))]
)
def test_rates_with_many_digits(run: Run, written: str, rate: Fraction) -> None:
    run("video", "clip.mp4", "b.mp4", "--fps", written, "--no-audio")
    assert times_of(Path("b.mp4"))[:4] == [number / rate for number in range(4)]


@pytest.mark.usefixtures("clip")
def test_a_rate_that_is_too_low_for_a_film_is_named(run: Run) -> None:
    assert "hint: look at --start, --end and --fps" in run("video", "clip.mp4", "b.mp4", "--fps", "0.01", code=4).stderr


@pytest.mark.usefixtures("clip")
def test_what_exists_is_replaced_only_when_asked(run: Run) -> None:
    Path("b.mp4").write_text("mine")
    assert "hint: --overwrite replaces it" in run("video", "clip.mp4", "b.mp4", code=2).stderr
    run("video", "clip.mp4", "b.mp4", "--overwrite")
    assert len(times_of(Path("b.mp4"))) == 12


@pytest.mark.usefixtures("clip")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["missing.mp4"], "missing.mp4 does not exist"),
        (["clip.mp4", "b.mp4", "--start", "soon"], "soon is no time"),
        (["clip.mp4", "b.mp4", "--start", "1:99"], "1:99 is no time"),
        (["clip.mp4", "b.mp4", "--fps", "0"], "0 is no frame rate"),
        (["clip.mp4", "b.mp4", "--fps", "0.0000001"], "0.0000001 is no frame rate"),
        (["clip.mp4", "b.mp4", "--steady", "2"], "--steady 2 is neither off, auto nor a number"),
        (["clip.mp4", "b.mp4", "--start", "5", "--end", "4"], "--end must be later than --start"),
        (["clip.mp4", "b.webm", "--codec", "hevc"], "choose vp9 or av1, or write an .mkv"),
        (["clip.mp4", "b.mp4", "--crf", "52", "--dry-run"], "--crf 52 is too much for libx264"),
        (["clip.mp4", "b.webm", "--preset", "fast", "--dry-run"], "libvpx-vp9 has no preset fast"),
        (["clip.mp4", "-"], "a film goes through no pipe"),
        (["-", "b.mp4"], "a film goes through no pipe"),
        (["camera:0", "b.mp4"], "a camera is shown, not written"),
        (["camera:0", "--start", "2", "--no-resume"], "a camera is shown as it is, without --start, --resume"),
    ],
)
def test_usage_errors(run: Run, words: list[str], said: str) -> None:
    assert said in run("video", *words, code=2).stderr
    assert names() == ["clip.mp4"]


@pytest.mark.usefixtures("clip")
def test_a_film_that_ends_early_is_partial(run: Run) -> None:
    Film(frames=24, options={"movflags": "faststart"}).make(Path("a.mp4"))
    data = Path("a.mp4").read_bytes()
    Path("a.mp4").write_bytes(data[: len(data) * 6 // 10])
    result = run("video", "a.mp4", "b.mp4", "--json", code=3)
    (item,) = json.loads(result.stdout)["items"]
    assert item["error"]["name"] == "video-truncated"
    assert Path("b.mp4").exists()


@pytest.mark.usefixtures("clip")
@pytest.mark.parametrize(
    ("error", "code", "name"), [(MemoryError(), 8, "out-of-memory"), (KeyError("a key"), 1, "bug")]
)
def test_a_report_of_what_nobody_foresaw(
    run: Run, monkeypatch: pytest.MonkeyPatch, error: Exception, code: int, name: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("ugatit_cli.commands.film_run._making", fail)
    result = run("video", "clip.mp4", "b.mp4", "--json", code=code)
    report = json.loads(result.stdout)
    assert (report["exit_code"], report["error"]["exit_code"], report["error"]["name"]) == (code, code, name)
    assert f"error: {report['error']['message']}" in result.stderr


@pytest.mark.usefixtures("clip")
def test_translate_takes_films_among_pictures(run: Run) -> None:
    Image.new("RGB", (40, 32), "red").save("me.png")
    Path("bad.mp4").write_text("no film")
    result = run("translate", "me.png", "clip.mp4", "bad.mp4", "-o", "out", code=3)
    assert "failed: cannot read bad.mp4: it is not a video" in result.stderr
    assert sorted(path.name for path in Path("out").iterdir() if path.name[0] != ".") == ["clip.mp4", "me.png"]
    assert packets_of(Path("out/clip.mp4"), "audio") == packets_of(Path("clip.mp4"), "audio")
    assert "2 skipped" in run("translate", "me.png", "clip.mp4", "-o", "out").stderr
    run("translate", "clip.mp4", "-o", "one.gif")
    with Image.open("one.gif") as image:
        assert getattr(image, "n_frames", 1) == 12


def test_without_a_display_a_camera_ends_in_words(run: Run, clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    for variable in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(variable, raising=False)
    assert "there is no display" in run("video", f"camera:{clip}", code=9).stderr


def test_after_ctrl_c_the_same_command_goes_on(model: Path, tmp_path: Path) -> None:
    source, target = Film(frames=400, size=(32, 32)).make(tmp_path / "a.mp4"), tmp_path / "b.mp4"
    command = [sys.executable, "-m", "ugatit_cli", "video", str(source), str(target), "-m", str(model)]
    command += ["--backend", "torch", "--steady", "off", "--preset", "ultrafast"]
    repository = Path(__file__).resolve().parents[2]

    def start() -> subprocess.Popen[str]:
        return subprocess.Popen(command, cwd=repository, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    process = start()
    while not list(work_folder(target).glob("*.state")):
        time.sleep(0.02)
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGINT
    assert "frames are kept: ugatit video " in said
    assert not target.exists()
    out, said = start().communicate(timeout=60)
    assert out == f"{target}{os.linesep}"
    assert "frames are done already: going on after them" in said
    assert len(times_of(target)) == 400
    assert not work_folder(target).exists()
