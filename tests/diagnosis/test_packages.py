"""Versions against what is required, with installations that are broken in the usual ways."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ugatit_cli.diagnosis.findings import Finding
from ugatit_cli.diagnosis.packages import check, requirements_here
from ugatit_cli.errors import ExitCode

REQUIRED = ["torch>=2.13", "onnxruntime-gpu>=1.31; python_version > '3'", "typer>=0.29", "opencv-python>=4.10"]
REQUIRED += ["openvino>=2026.4; extra == 'openvino'", "pytest>=9; extra == 'dev'", "winonly>=1; sys_platform == 'none'"]
RIGHT = {"torch": "2.13.0+cpu", "onnxruntime-gpu": "1.31.1", "typer": "0.29.2", "opencv-python": "5.0.0.93"}
RIGHT |= {"openvino": "2026.4.1", "av": "18.1.0"}


def found(**changed: str) -> dict[str, Finding]:
    """The findings of an installation that is right but for these; an empty version is a package that is not there."""
    named = {name.replace("_", "-"): version for name, version in changed.items()}
    installed = {name: version for name, version in (RIGHT | named).items() if version}
    return {finding.name: finding for finding in check(requirements_here(REQUIRED), installed)}


def test_a_right_installation() -> None:
    findings = found()
    assert {finding.status for finding in findings.values()} == {"ok"}
    assert findings["package-torch"].text == "torch 2.13.0+cpu"
    assert findings["packages"].text == "typer 0.29.2"
    assert not {"package-pytest", "package-winonly"} & set(findings)


def test_a_package_that_is_not_there() -> None:
    finding = found(torch="")["package-torch"]
    assert (finding.status, finding.text, finding.exit_code) == ("problem", "torch is not installed", ExitCode.DEVICE)
    assert finding.remedy.endswith("-m pip install 'torch>=2.13'")


def test_a_package_that_is_too_old() -> None:
    finding = found(typer="0.20.0")["package-typer"]
    assert (finding.status, finding.text) == ("problem", "typer 0.20.0 does not fit: typer>=0.29 is required")


def test_a_version_before_a_release_is_new_enough() -> None:
    assert found(torch="2.14.0.dev20261101+cu130")["package-torch"].status == "ok"


@pytest.mark.parametrize(
    ("extra", "name"),
    [({"onnxruntime": "1.31.1"}, "onnxruntime"), ({"opencv_python_headless": "5.0.0"}, "opencv-python-headless")],
)
def test_two_packages_in_one_place(extra: dict[str, str], name: str) -> None:
    finding = found(**extra)[f"duplicate-{name}"]
    assert (finding.status, finding.exit_code) == ("problem", ExitCode.DEVICE)
    assert "are both installed" in finding.text
    assert "pip uninstall -y" in finding.remedy


def test_a_package_that_does_as_well() -> None:
    finding = found(onnxruntime_gpu="", onnxruntime="1.31.1")["package-onnxruntime-gpu"]
    assert (finding.status, finding.text) == ("ok", "onnxruntime 1.31.1, in place of onnxruntime-gpu")


def test_what_is_optional_is_no_problem() -> None:
    findings = found(openvino="")
    assert findings["package-openvino"].status == "note"
    assert findings["package-openvino"].remedy.endswith("pip install 'openvino>=2026.4'")
    assert found(openvino="2024.1.0")["package-openvino"].status == "note"


ASK = """
import json
from dataclasses import asdict
from ugatit_cli.diagnosis.packages import package_findings
print(json.dumps({each.name: asdict(each) for each in package_findings()}))
"""


def test_what_lies_in_the_folders_of_python_counts(tmp_path: Path) -> None:
    for name in ("onnxruntime", "onnxruntime-gpu"):
        folder = tmp_path / f"{name.replace('-', '_')}-1.31.1.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.31.1\n", encoding="utf-8")
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}){ASK}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    findings = json.loads(done.stdout)
    assert findings["duplicate-onnxruntime"]["status"] == "problem"
    assert findings["package-torch"]["facts"]["wanted"].startswith("torch>=")
