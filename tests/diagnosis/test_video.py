"""Encoders that work, fail, crash, or are not there at all."""

from __future__ import annotations

from pathlib import Path

import pytest
from diagnosis.answers import answered, failed

from ugatit_cli.diagnosis.probing import Probes
from ugatit_cli.diagnosis.video import judge, video_findings

HERE = {"version": "18.1.0", "there": ["libx264", "libx265", "prores_ks"]}
WORKS = {"encoder": "libx264", "bytes": 100, "ms": 20}


def test_those_here_encode() -> None:
    pytest.importorskip("av")
    with Probes() as probes:
        answer = probes.answer("video_encoders", "libx264", "no_such_encoder")
    (finding,) = judge(answer, in_hardware=False)
    assert (finding.name, finding.status) == ("encoder-libx264", "ok")
    assert answer.facts[2]["bytes"] > 0


def test_missing_hardware_shares_a_line() -> None:
    refused = [{"encoder": name, "fault": "Operation not permitted"} for name in ("h264_nvenc", "hevc_nvenc")]
    findings = list(judge(answered({"there": ["h264_nvenc", "hevc_nvenc"]}, *refused), in_hardware=True))
    assert [finding.text for finding in findings] == ["no hardware or driver for h264_nvenc, hevc_nvenc"]
    assert findings[0].details == ("h264_nvenc: Operation not permitted", "hevc_nvenc: Operation not permitted")


def test_after_a_crash_it_is_known_which_one_it_was() -> None:
    crashed = failed(
        "the process was ended by signal 11 (SIGSEGV)", HERE, {"begun": "libx264"}, WORKS, {"begun": "libx265"}
    )
    texts = {finding.name: (finding.status, finding.text) for finding in judge(crashed, in_hardware=False)}
    assert texts["encoder-libx264"] == ("ok", "libx264 encodes, 20 ms")
    assert texts["encoder-libx265"][1].endswith("signal 11 (SIGSEGV)")
    assert texts["encoder-prores_ks"] == ("note", "prores_ks does not encode: not tried, as the process ended before")


def test_a_broken_pyav_is_no_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "av.py").write_text("raise ImportError('libva.so.2: cannot open shared object file')")
    monkeypatch.syspath_prepend(tmp_path)
    with Probes() as probes:
        (finding,) = video_findings(probes)
    assert (finding.status, finding.text) == ("note", "PyAV does not work: libva.so.2 is missing")
