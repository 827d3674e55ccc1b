"""Every way to end is two lines at most and an exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from ugatit_cli import __version__
from ugatit_cli.cli import Program, app
from ugatit_cli.errors import ExitCode, UgatitError


def ugatit(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ugatit_cli", *words]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment}, timeout=30)


def test_the_version() -> None:
    done = ugatit("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"ugatit {__version__}\n", "")


def test_help_lists_commands_and_every_exit_code() -> None:
    done = ugatit("--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "translate" in done.stdout
    for code in ExitCode:
        assert any(line.split()[:1] == [str(int(code))] for line in done.stdout.splitlines()), code


def test_no_command_shows_the_help_where_results_do_not_go() -> None:
    done = ugatit()
    assert (done.returncode, done.stdout) == (2, "")
    assert "Commands:" in done.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["dance"], "no such command 'dance'"),
        (["translate"], "missing argument 'INPUT...'"),
        (["translate", "a.png", "--recursiv"], "no such option: --recursiv (Possible options: --recursive)"),
        (["translate", "a.png", "--device", "gpu"], "invalid value for '--device': 'gpu' is not one of 'auto', 'cpu', 'cuda', 'mps', 'tensorrt'"),
        (["translate", "a.png", "--batch-size", "0"], "invalid value for '--batch-size': 0 is neither auto nor a number from 1 to 1024"),
        (["translate", "a.png", "--size", "130"], "invalid value for '--size': 130 is not a multiple of 4; 128 is near"),
        (["translate", "a.png", "-q", "-v"], "--verbose and --quiet exclude each other"),
        (["translate", "a.png", "--overwrite", "--skip-existing"], "--overwrite and --skip-existing exclude each other"),
        (["translate", "mis\x1bsing.png"], "mis\\x1bsing.png does not exist"),
    ],
)  # fmt: skip
def test_usage_errors(words: list[str], message: str) -> None:
    result = CliRunner().invoke(app, words, prog_name="ugatit")
    lines = result.stderr.splitlines()
    assert (result.exit_code, result.stdout, lines[0]) == (2, "", f"error: {message}")
    assert len(lines) <= 2
    assert all(line.startswith("hint: ") for line in lines[1:])


def program_that(command: Callable[[], None]) -> typer.Typer:
    program = typer.Typer(cls=Program)
    program.callback()(lambda: None)
    program.command("run")(command)
    return program


def outcome_of(error: BaseException) -> tuple[int, list[str]]:
    def run() -> None:
        raise error

    result = CliRunner().invoke(program_that(run), ["run"])
    return result.exit_code, result.stderr.splitlines()


def error_with(code: ExitCode) -> UgatitError:
    error = UgatitError("what happened", hint="what to do", name="some-name")
    error.exit_code = code
    return error


@pytest.mark.parametrize("code", [code for code in ExitCode if code])
def test_our_errors_end_with_their_code(code: ExitCode) -> None:
    assert outcome_of(error_with(code)) == (code, ["error: what happened", "hint: what to do"])


def test_an_unexpected_error_is_one_line_and_asks_for_a_report() -> None:
    code, lines = outcome_of(KeyError("some\nkey"))
    assert (code, lines[0]) == (1, "error: unexpected KeyError: 'some\\nkey'")
    assert lines[1].startswith("hint: this is a bug")
    assert len(lines) == 2


def test_too_little_memory_is_no_bug() -> None:
    for error in (MemoryError(), RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB.")):
        code, lines = outcome_of(error)
        assert (code, lines[0]) == (ExitCode.RESOURCES, "error: there is not enough memory")


def test_ctrl_c_before_the_work_begins() -> None:
    assert outcome_of(KeyboardInterrupt())[0] == 130


def test_the_traceback_is_shown_on_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UGATIT_DEBUG", "1")
    _, lines = outcome_of(KeyError("key"))
    assert lines[2] == "Traceback (most recent call last):"
    assert lines[-1] == "ugatit_cli.errors.UgatitError: unexpected KeyError: 'key'"


@pytest.mark.skipif(sys.platform == "win32", reason="pipes break differently there")
@pytest.mark.parametrize("words", [["--version"], ["--help"], ["translate", "--help"]])
def test_a_closed_pipe_ends_quietly(words: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "ugatit_cli", *words]
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, timeout=30)
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a disk that is always full")
def test_a_full_disk_behind_standard_output_is_no_bug() -> None:
    with open("/dev/full", "wb") as full:
        command = [sys.executable, "-m", "ugatit_cli", "--version"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=30)
    assert (done.returncode, done.stderr.splitlines()[0]) == (
        8,
        "error: cannot write standard output: the disk is full",
    )


@pytest.mark.parametrize(
    "words",
    [["evaluate", "--a", "nope", "--b", "nope"], ["export-onnx", "-m", "nope.pt"], ["bench", "--batch-sizes", "0"]],
)
def test_an_error_is_json_where_json_is_asked_for(words: list[str]) -> None:
    done = CliRunner().invoke(app, [*words, "--json"])
    said = json.loads(done.stdout)
    assert (said["command"], said["exit_code"]) == (words[0], done.exit_code)
    assert done.exit_code != 0 and said["error"]["name"] and said["error"]["message"] in done.stderr
