"""The bundled models, and copies of them that are damaged."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ugatit_cli import hub
from ugatit_cli.diagnosis.models import model_findings
from ugatit_cli.errors import ExitCode


@pytest.fixture
def models(tmp_path: Path) -> Path:
    return Path(shutil.copytree(hub.models_folder(), tmp_path / "models"))


def test_the_bundled_ones_are_right() -> None:
    findings = list(model_findings())
    assert [finding.name for finding in findings] == [f"model-{name}" for name in hub.read_registry()]
    assert {finding.status for finding in findings} == {"ok"}


def test_a_changed_byte(models: Path) -> None:
    weights = models / hub.read_registry(models)[hub.DEFAULT_MODEL].file
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    finding = next(iter(model_findings(models)))
    assert (finding.status, finding.exit_code) == ("problem", ExitCode.REFUSED)
    assert "its sha256 is" in finding.text
    assert "pip install --force-reinstall" in finding.remedy


def test_in_a_checkout_git_mends_it(models: Path) -> None:
    (models.parent / ".git").mkdir()
    (models / hub.read_registry(models)[hub.DEFAULT_MODEL].file).unlink()
    finding = next(iter(model_findings(models)))
    assert (finding.status, finding.exit_code) == ("problem", ExitCode.BAD_MODEL)
    assert finding.remedy == f"git -C {models.parent} checkout -- models"


def test_a_registry_that_cannot_be_read(tmp_path: Path) -> None:
    (finding,) = model_findings(tmp_path)
    assert (finding.name, finding.status, finding.exit_code) == ("registry", "problem", ExitCode.BAD_MODEL)
