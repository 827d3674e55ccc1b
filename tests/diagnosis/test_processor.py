"""The processor, as this machine and others describe it."""

from __future__ import annotations

from pathlib import Path

import pytest

from ugatit_cli.diagnosis.processor import processor_findings


def test_this_one() -> None:
    (finding,) = processor_findings()
    assert finding.facts["allowed_cores"] >= 1
    assert f"{finding.facts['allowed_cores']} of {finding.facts['cores']} cores allowed" in finding.text


@pytest.mark.parametrize(
    ("said", "status", "ends"),
    [
        ("model name\t: A Fine CPU\nflags\t\t: sse2 avx2 avx512f amx_tile\n", "ok", "allowed, AVX2, AVX-512, AMX"),
        ("model name\t: An Old CPU\nflags\t\t: sse2\n", "note", "without AVX2 everything takes several times as long"),
        ("Features\t: asimd asimddp i8mm\n", "ok", "NEON dot product, I8MM"),
    ],
)
def test_others(tmp_path: Path, said: str, status: str, ends: str) -> None:
    (tmp_path / "cpuinfo").write_text(f"processor\t: 0\n{said}\nprocessor\t: 1\n", encoding="utf-8")
    (finding,) = processor_findings(tmp_path / "cpuinfo")
    assert (finding.status, finding.text.endswith(ends)) == (status, True), finding.text


def test_a_system_that_tells_nothing(tmp_path: Path) -> None:
    (finding,) = processor_findings(tmp_path / "missing")
    assert finding.status == "ok"
