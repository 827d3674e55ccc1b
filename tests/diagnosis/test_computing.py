"""Inference where it works, and where it fails in the ways that drivers and builds have."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from diagnosis.answers import answered, failed

from ugatit_cli.diagnosis.computing import closed_way, computing_findings, judge
from ugatit_cli.diagnosis.probes.tiny_network import difference, picture_and_weights
from ugatit_cli.diagnosis.probing import Probes
from ugatit_cli.diagnosis.ways import WAYS
from ugatit_cli.errors import ExitCode

BY_NAME = {way.name: way for way in WAYS}
RIGHT = {"version": "1.31.1", "provider": "CPUExecutionProvider", "difference": 2e-7, "seconds": 0.5}


@pytest.mark.parametrize("name", ["onnx-cpu", "torch-cpu", "openvino-cpu"])
def test_every_program_computes_on_the_cpu(name: str) -> None:
    way = BY_NAME[name]
    if not way.installed:
        pytest.skip(f"{way.module} is not installed")
    with Probes() as probes:
        finding = judge(way, probes.answer(way.probe, way.word))
    assert finding.status == "ok", finding
    assert finding.facts["difference"] < 1e-5


def test_the_truth_notices_a_wrong_weight() -> None:
    picture, weights = (torch.from_numpy(array) for array in picture_and_weights())
    assert difference(torch.conv2d(picture, weights).tanh().numpy()) < 1e-6
    weights[0, 0, 0, 0] += 0.1
    assert difference(torch.conv2d(picture, weights).tanh().numpy()) > 0.01


@pytest.mark.parametrize("off", [0.5, float("nan")])
def test_a_wrong_result_is_a_problem(off: float) -> None:
    finding = judge(BY_NAME["onnx-cpu"], answered(RIGHT | {"difference": off}))
    assert (finding.status, finding.exit_code) == ("problem", ExitCode.DEVICE)


def test_another_provider_than_asked_for_is_a_problem() -> None:
    finding = judge(BY_NAME["onnx-cuda"], answered(RIGHT))
    assert (finding.status, "but on CPUExecutionProvider" in finding.text) == ("problem", True)


def test_what_everybody_uses_must_work_and_a_gpu_may_fail() -> None:
    crash = failed("the process was ended by signal 11 (SIGSEGV)")
    assert judge(BY_NAME["torch-cpu"], crash).status == "problem"
    assert judge(BY_NAME["torch-cuda"], crash).status == "note"


def test_the_missing_library_is_named() -> None:
    noise = ("libcudnn.so.9: cannot open shared object file", "Fail: fallback disabled")
    finding = judge(BY_NAME["onnx-cuda"], failed(noise[-1], noise=noise))
    assert finding.text == "ONNX Runtime on CUDA does not work: libcudnn.so.9 is missing"
    assert finding.remedy.endswith("pip install 'onnxruntime-gpu[cuda,cudnn]'")


def test_a_broken_library_is_a_problem_and_the_others_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("torch", "openvino"):
        (tmp_path / f"{name}.py").write_text("raise ImportError('libgomp.so.1: cannot open shared object file')")
    monkeypatch.syspath_prepend(tmp_path)
    with Probes() as probes:
        findings = {finding.name: finding for finding in computing_findings(probes)}
    assert findings["torch-cpu"].text == "PyTorch on the CPU does not work: libgomp.so.1 is missing"
    assert findings["torch-cpu"].status == findings["openvino-cpu"].status == "problem"
    assert findings["onnx-cpu"].status == findings["onnx-providers"].status == "ok"


def test_why_a_way_is_closed() -> None:
    with Probes() as probes:
        assert closed_way(BY_NAME["onnx-cpu"], probes) is None
        if not probes.answer("cuda_driver").merged.get("count"):
            closed = closed_way(BY_NAME["onnx-tensorrt"], probes)
            assert closed is not None
            assert "ONNX Runtime on TensorRT: no NVIDIA driver" in closed.text


@pytest.mark.gpu
def test_a_real_gpu_computes() -> None:
    with Probes() as probes:
        findings = {finding.name: finding for finding in computing_findings(probes)}
    assert "ok" in {findings[name].status for name in ("onnx-cuda", "torch-cuda") if name in findings}
