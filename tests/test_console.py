"""What reaches the terminal: harmless names, one line where one line is meant, and results apart from talk."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import unicodedata
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console as RichConsole

from ugatit_cli.console import Console, JsonDocument, Verbosity, escape
from ugatit_cli.errors import BadInputError, ResourceError
from ugatit_cli.progress import film_bar, update


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("photo café 日本 😀👩‍👩‍👧.png", "photo café 日本 😀👩‍👩‍👧.png"),
        ("\x1b[2Jred\x07", "\\x1b[2Jred\\x07"),
        ("line\nbreak\ttab\r", "line\\x0abreak\\x09tab\\x0d"),
        ("photo\u202egnp.exe", "photo\\u202egnp.exe"),
        ("\u2028\u2066\x9b", "\\u2028\\u2066\\x9b"),
        (os.fsdecode(b"bad_\xff"), "bad_\\xff"),
        ("[bold]no markup[/bold] :smile:", "[bold]no markup[/bold] :smile:"),
    ],
)
def test_names_are_shown_harmless(text: str, shown: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert escape(text) == shown
    Console().error(BadInputError(text))
    assert capsys.readouterr().err == f"error: {shown}\n"


@given(st.text(st.characters(codec=None)))
def test_nothing_that_steers_a_terminal_is_left(text: str) -> None:
    shown = escape(text)
    assert not any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in shown)
    assert not any(
        unicodedata.bidirectional(character) in ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI") for character in shown
    )
    shown.encode()


def test_an_error_is_two_lines_however_long(capsys: pytest.CaptureFixture[str]) -> None:
    Console().error(BadInputError("x" * 500, hint="y " * 200))
    out, err = capsys.readouterr()
    assert (out, err) == ("", f"error: {'x' * 500}\nhint: {'y ' * 200}\n")


@pytest.mark.parametrize(
    ("verbosity", "expected"),
    [
        (Verbosity.QUIET, "failed: f\nerror: e\n"),
        (Verbosity.NORMAL, "warning: w\nn\nfailed: f\nerror: e\n"),
        (Verbosity.VERBOSE, "warning: w\nn\nd\nfailed: f\nerror: e\n"),
    ],
)
def test_verbosity(verbosity: Verbosity, expected: str, capsys: pytest.CaptureFixture[str]) -> None:
    console = Console(verbosity)
    console.warning("w")
    console.note("n")
    console.detail("d")
    console.failure(BadInputError("f"))
    console.error(BadInputError("e"))
    assert capsys.readouterr().err == expected


def test_results_are_data(capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    with open(1, "w", closefd=False) as stdout:
        monkeypatch.setattr(sys, "stdout", stdout)
        for name in (b"caf\xc3\xa9 .png", b"bad_\xff\xfe.png", b"\x1b[2J\n.png", b"[bold].png"):
            Console().result(Path(os.fsdecode(name)))
    out, err = capfdbinary.readouterr()
    assert out.splitlines() == [b"caf\xc3\xa9 .png", b"bad_\xff\xfe.png", b"\\x1b[2J\\x0a.png", b"[bold].png"]
    assert err == b""


def test_a_reader_that_has_gone_and_a_full_disk_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with pytest.raises(BrokenPipeError), open(writer, "w") as gone:
        monkeypatch.setattr(sys, "stdout", gone)
        Console().write(b"x")
    if Path("/dev/full").exists():
        with pytest.raises(ResourceError), open("/dev/full", "w") as full:
            monkeypatch.setattr(sys, "stdout", full)
            Console().write(b"x")


def document(
    capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch, items: int, *, begin: bool
) -> object:
    with open(1, "w", closefd=False) as stdout:
        monkeypatch.setattr(sys, "stdout", stdout)
        json_document = JsonDocument(Console())
        if begin:
            json_document.begin(model="toon", device=None)
        for number in range(items):
            json_document.item({"input": f"\udcff\n{number}"})
        json_document.end(error=None, exit_code=0)
    return json.loads(capfdbinary.readouterr().out)


@pytest.mark.parametrize("items", [0, 1, 3])
def test_json_is_one_object(
    items: int, capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert document(capfdbinary, monkeypatch, items, begin=True) == {
        "model": "toon",
        "device": None,
        "items": [{"input": f"\udcff\n{number}"} for number in range(items)],
        "error": None,
        "exit_code": 0,
    }


def test_json_is_whole_even_if_nothing_began(
    capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert document(capfdbinary, monkeypatch, 0, begin=False) == {"items": [], "error": None, "exit_code": 0}


def test_progress_without_a_terminal_is_a_few_lines(capsys: pytest.CaptureFixture[str]) -> None:
    with Console().progress(1000) as advance:
        for _ in range(1000):
            advance()
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(",")[0] for line in lines] == ["1 of 1000", "1000 of 1000"]
    assert lines[0].endswith(" left")


def test_progress_goes_on_from_what_was_done_before(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(range(0, 100, 10))
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    with Console().progress(40, done=30) as advance:
        advance()
    assert capsys.readouterr().err == "31 of 40, 0.1 a second, 1:30 left\n"


def test_what_is_left_is_told_by_how_fast_it_went_lately(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    with Console().progress(2000) as advance:
        for _ in range(1000):  # a minute and a half
            now += 0.1
            advance()
        for _ in range(300):
            now += 1
            advance()
    assert capsys.readouterr().err.splitlines()[-1] == "1298 of 2000, 1.0 a second, 11:42 left"


def test_a_download_without_a_terminal_is_a_few_lines(capsys: pytest.CaptureFixture[str]) -> None:
    with Console().transfer("me/toon", 3_000_000, 1_000_000) as advance:
        for _ in range(200):
            advance(10_000)
    first, last = capsys.readouterr().err.splitlines()
    assert first == "downloading me/toon: 3.0 MB, 1.0 MB are there already"
    assert last.startswith("downloaded me/toon: 2.0 MB in ")


def test_a_download_says_how_fast_it_is_and_how_long_it_takes(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(range(0, 100, 6))
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    with Console().transfer("me/toon", 30_000_000, 0) as advance:
        advance(6_000_000)
    assert capsys.readouterr().err.splitlines()[1] == "6.0 MB of 30.0 MB, 1.0 MB a second, 0:24 left"


def test_a_film_with_more_frames_than_were_expected_is_not_done_before_it_began(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(range(0, 100, 6))
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    with Console().film_progress(60, 0, 30.0) as tell:
        tell(30)
        tell(90)
    first, last = capsys.readouterr().err.splitlines()
    assert first == "30 of 60 frames, 5.0 fps, 0.17x real time, 0:06 left"
    assert last == "90 frames, 7.5 fps, 0.25x real time"


def test_a_bar_forgets_how_many_frames_were_expected_once_there_are_more() -> None:
    shown = StringIO()
    with film_bar(RichConsole(file=shown, force_terminal=True, width=80), 30.0) as bar:
        bar.add_task("", total=60)
        update(bar, 60, 30)
        bar.refresh()
        assert "30/60" in shown.getvalue()
        update(bar, 60, 90)
        bar.refresh()
    assert "90/?" in shown.getvalue() and "90/60" not in shown.getvalue()


def test_a_download_is_not_heard_of_when_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    with Console(Verbosity.QUIET).transfer("me/toon", 3, 0) as advance:
        advance(3)
    assert capsys.readouterr().err == ""


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_a_download_on_a_terminal_is_a_bar() -> None:
    import pty

    code = (
        "from ugatit_cli.console import Console\n"
        "with Console().transfer('me/[b]toon', 2_000_000, 0) as advance:\n"
        "    advance(2_000_000)\n"
    )
    ours, theirs = pty.openpty()
    with subprocess.Popen([sys.executable, "-c", code], stderr=theirs, env={**os.environ, "TERM": "xterm"}) as process:
        process.wait(30)
    shown = os.read(ours, 10_000).decode()
    for descriptor in (ours, theirs):
        os.close(descriptor)
    assert process.returncode == 0
    assert "me/[b]toon" in shown and "2.0/2.0 MB" in shown


@pytest.mark.parametrize(("verbosity", "total"), [(Verbosity.QUIET, 9), (Verbosity.NORMAL, 1)])
def test_no_progress(verbosity: Verbosity, total: int, capsys: pytest.CaptureFixture[str]) -> None:
    with Console(verbosity).progress(total) as advance:
        for _ in range(total):
            advance()
    assert capsys.readouterr().err == ""


NOISE = """
import os, sys, warnings
from ugatit_cli.console import Console, Verbosity
console = Console(Verbosity(int(sys.argv[1])))
with console.captured_noise():
    os.write(2, b"from C \\x1b[2J\\n")
    warnings.warn("from Python")
    console.note("ours")
console.note("after")
"""


@pytest.mark.parametrize(
    ("verbosity", "shown"), [(Verbosity.NORMAL, []), (Verbosity.VERBOSE, ["from C \\x1b[2J", "from Python"])]
)
def test_what_libraries_say_is_shown_on_request(verbosity: Verbosity, shown: list[str]) -> None:
    command = [sys.executable, "-c", NOISE, str(int(verbosity))]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    lines = done.stderr.splitlines()
    assert [line for line in lines if not line.startswith("library: ")] == ["ours", "after"]
    noise = "\n".join(line for line in lines if line.startswith("library: "))
    assert all(text in noise for text in shown)
    assert bool(noise) == bool(shown)


def test_where_no_file_can_be_made_noise_is_not_kept() -> None:
    """As on a disk that is full, or can only be read."""
    no_place = "import tempfile; tempfile.tempdir = '/nowhere'"
    command = [sys.executable, "-c", no_place + NOISE, str(int(Verbosity.NORMAL))]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    lines = done.stderr.splitlines()
    assert "ours" in lines and "from C \x1b[2J" in lines and lines[-1] == "after"


@pytest.mark.skipif(sys.platform == "win32", reason="no limits on files")
def test_where_a_file_cannot_grow_noise_is_lost() -> None:
    full = """
import resource, tempfile
tempfile.gettempdir()  # the disk fills up after the first look at it
resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
"""
    noise = NOISE.replace('os.write(2, b"from C \\x1b[2J\\n")', 'print("from a library", file=sys.stderr)')
    command = [sys.executable, "-c", full + noise, str(int(Verbosity.VERBOSE))]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stderr.splitlines()) == (0, ["ours", "after"])


# as on Windows: the stream of a console looks its descriptor up at each write, and can write to nothing but a console
CONSOLE_OF_WINDOWS = """
import io, os, stat, sys
class Window(io.RawIOBase):
    def fileno(self): return 2
    def writable(self): return True
    def write(self, data):
        if stat.S_ISREG(os.fstat(2).st_mode):
            raise OSError("the handle is invalid")
        return os.write(2, data)
sys.stderr = io.TextIOWrapper(io.BufferedWriter(Window()), encoding="utf-8", line_buffering=True)
"""


def test_what_python_code_says_is_kept_where_a_console_can_write_to_no_file() -> None:
    command = [sys.executable, "-c", CONSOLE_OF_WINDOWS + NOISE, str(int(Verbosity.VERBOSE))]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "from Python" in done.stderr and done.stderr.endswith("after\n")


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_on_a_terminal_progress_is_a_bar_that_goes_away() -> None:
    import pty

    code = (
        "from ugatit_cli.console import Console\n"
        "console = Console()\n"
        "with console.captured_noise(), console.progress(3) as advance:\n"
        "    [advance() for _ in range(3)]\n"
    )
    ours, theirs = pty.openpty()
    with subprocess.Popen([sys.executable, "-c", code], stderr=theirs, env={**os.environ, "TERM": "xterm"}) as process:
        process.wait(30)
    shown = os.read(ours, 10_000).decode()
    for descriptor in (ours, theirs):
        os.close(descriptor)
    assert process.returncode == 0
    assert "3/3" in shown
    assert shown.rstrip().endswith(("\x1b[2K", "\x1b[?25h")), "the line was erased"


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_on_a_terminal_results_have_lines_of_their_own_beside_the_bar() -> None:
    import pty

    code = (
        "from pathlib import Path\n"
        "from ugatit_cli.console import Console\n"
        "console = Console()\n"
        "with console.progress(2) as advance:\n"
        "    for name in ('one.png', 'two.png'):\n"
        "        console.result(Path(name))\n"
        "        advance()\n"
    )
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm"}
    with subprocess.Popen([sys.executable, "-c", code], stdout=theirs, stderr=theirs, env=environment) as process:
        process.wait(30)
    shown = os.read(ours, 10_000).decode()
    for descriptor in (ours, theirs):
        os.close(descriptor)
    assert "\x1b[2Kone.png\r\n" in shown
    assert "\x1b[2Ktwo.png\r\n" in shown
