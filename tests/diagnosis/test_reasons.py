"""Out of pages of noise, the words that matter."""

from __future__ import annotations

import pytest
from diagnosis.answers import failed

from ugatit_cli.diagnosis.reasons import reason


@pytest.mark.parametrize(
    ("noise", "said"),
    [
        (("error: libcublasLt.so.13: cannot open shared object file: No such file",), "libcublasLt.so.13 is missing"),
        (
            ("a libcublas.so.13: cannot open shared object file", "b libcurand.so.10: cannot open shared object file"),
            "libcublas.so.13, libcurand.so.10 are missing",
        ),
        (("onnxruntime.capi.state.Fail: [ONNXRuntimeError] : 1", "..."), "Fail: [ONNXRuntimeError] : 1"),
        (("ImportError: DLL load failed",), "ImportError: DLL load failed"),
    ],
)
def test_reasons(noise: tuple[str, ...], said: str) -> None:
    assert reason(failed(noise[0], noise=noise)) == said
