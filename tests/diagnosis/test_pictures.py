"""OpenCV and Pillow as they are here, and as they are on a server without a screen."""

from __future__ import annotations

from pathlib import Path

import pytest
from diagnosis.answers import answered

from ugatit_cli.diagnosis.pictures import judge, picture_findings
from ugatit_cli.diagnosis.probing import Probes
from ugatit_cli.errors import ExitCode


def test_both_work() -> None:
    with Probes() as probes:
        assert {finding.name: finding.status for finding in picture_findings(probes)} == {
            "opencv": "ok",
            "pillow": "ok",
        }


def test_opencv_without_a_screen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fault = "ImportError('libGL.so.1: cannot open shared object file: No such file or directory')"
    (tmp_path / "cv2.py").write_text(f"raise {fault}", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    with Probes() as probes:
        finding = judge("opencv", probes.answer("pictures", "opencv"))
    assert (finding.status, finding.exit_code) == ("problem", ExitCode.DEVICE)
    assert finding.remedy.endswith("pip install opencv-python-headless")


def test_a_pillow_without_avif() -> None:
    finding = judge("pillow", answered({"version": "13.0.0", "formats": {"webp": True, "avif": False}}))
    assert (finding.status, finding.text) == ("note", "Pillow 13.0.0 cannot write and read avif")
