"""`ugatit doctor` as a whole: on this machine, and on one with several things broken at once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ugatit_cli.cli import app
from ugatit_cli.commands.doctor import doctor_lines
from ugatit_cli.diagnosis.findings import note, problem
from ugatit_cli.errors import ExitCode


def run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ugatit_cli", "doctor", *words]
    return subprocess.run(command, capture_output=True, text=True, env=os.environ | environment)


@pytest.fixture(scope="module")
def diagnosis(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], int]:
    done = run("--json", "--device", "cpu", UGATIT_CACHE=str(tmp_path_factory.mktemp("cache")))
    document: dict[str, Any] = json.loads(done.stdout)
    return document, done.returncode


def findings(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {finding["name"]: finding for section in document["sections"] for finding in section["findings"]}


def test_everything_is_looked_at(diagnosis: tuple[dict[str, Any], int]) -> None:
    document, _ = diagnosis
    names = [section["name"] for section in document["sections"]]
    assert set(names) >= {"program", "machine", "packages", "storage", "models", "devices", "computing", "asked for"}
    assert set(findings(document)) >= {
        *("ugatit", "python", "processor", "memory", "clock", "package-torch", "cache-folder", "disk"),
        *("model-portrait2toon", "cuda-driver", "onnx-cpu", "torch-cpu", "opencv", "pillow", "asked-device"),
    }


def test_the_code_is_that_of_the_findings(diagnosis: tuple[dict[str, Any], int]) -> None:
    document, code = diagnosis
    found = findings(document).values()
    assert document["exit_code"] == code
    assert (code == 0) == (not [finding for finding in found if finding["status"] == "problem"])
    assert document["summary"]["problems"] == sum(finding["status"] == "problem" for finding in found)
    assert findings(document)["asked-device"]["status"] == "ok"


def test_every_problem_has_a_remedy_and_a_code(tmp_path: Path) -> None:
    """A cache that is a file, an OpenCV without libGL, and a GPU that nobody has."""
    (tmp_path / "file").touch()
    (tmp_path / "cv2.py").write_text("raise ImportError('libGL.so.1: cannot open shared object file')")
    broken = {"UGATIT_CACHE": str(tmp_path / "file" / "cache"), "PYTHONPATH": str(tmp_path), "HF_TOKEN": "hf_secret"}
    done = run("--quiet", "--device", "mps", **broken)
    lines = done.stdout.splitlines()
    assert (done.returncode, done.stderr) == (ExitCode.DEVICE, "")
    for number, line in enumerate(lines):
        if line.startswith("  problem "):
            assert lines[number + 1].strip().startswith("remedy: ")
    problems = [line for line in lines if line.startswith("  problem ")]
    for words in ("the cache ", "OpenCV does not work", "--device mps does not work"):
        assert any(words in line for line in problems), done.stdout
    assert "hf_secret" not in done.stdout


def test_a_finding_in_lines() -> None:
    broken = problem("a", "it is\nbroken", "mend it", ExitCode.DEVICE).with_details(("said the library",))
    assert list(doctor_lines(broken, verbose=False)) == ["  problem  it is\\x0abroken", "           remedy: mend it"]
    assert list(doctor_lines(broken, verbose=True))[2] == "           said the library"
    assert list(doctor_lines(note("a", "see"), verbose=True)) == ["  note     see"]


def test_what_contradicts_itself_is_usage() -> None:
    result = CliRunner().invoke(app, ["doctor", "--device", "cuda", "--backend", "openvino"], prog_name="ugatit")
    assert (result.exit_code, result.stdout) == (ExitCode.USAGE, "")
    assert "error: OpenVINO does not run on CUDA" in result.stderr
