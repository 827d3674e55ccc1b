"""What is optional becomes a must as soon as it is asked for."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from diagnosis.answers import answered, failed

from ugatit_cli import weights
from ugatit_cli.config import GeneratorConfig
from ugatit_cli.diagnosis.asked import Asked, asked_findings, judge
from ugatit_cli.diagnosis.findings import Finding, note, ok
from ugatit_cli.diagnosis.probing import Probes
from ugatit_cli.errors import ExitCode, UsageError
from ugatit_cli.network import Generator


def looked(asked: Asked, *found: Finding) -> list[Finding]:
    with Probes() as probes:
        return list(asked_findings(asked, {finding.name: finding for finding in found}, probes))


def test_nothing_asked_nothing_found() -> None:
    assert looked(Asked()) == []


def test_one_way_that_works_is_enough() -> None:
    missing = note("onnx-cuda", "ONNX Runtime on CUDA does not work: libcudnn.so.9 is missing", "pip install it")
    (finding,) = looked(Asked(device="cuda"), missing, ok("torch-cuda", "PyTorch on CUDA computes right"))
    assert (finding.status, finding.text) == ("ok", "--device cuda works: PyTorch on CUDA computes right")


def test_the_very_backend_counts() -> None:
    missing = note("onnx-cuda", "ONNX Runtime on CUDA does not work: libcudnn.so.9 is missing", "pip install it")
    (finding,) = looked(Asked("cuda", "onnx"), missing, ok("torch-cuda", "PyTorch on CUDA computes right"))
    assert (finding.status, finding.exit_code, finding.remedy) == ("problem", ExitCode.DEVICE, "pip install it")
    assert "--device cuda --backend onnx does not work: " in finding.text


@pytest.mark.skipif(torch.backends.mps.is_available(), reason="this computer has it")
def test_a_device_of_another_make() -> None:
    (finding,) = looked(Asked(device="mps"))
    assert (finding.name, finding.status, finding.exit_code) == ("asked-device", "problem", ExitCode.DEVICE)
    assert "PyTorch on MPS" in finding.text


def test_what_never_goes_together() -> None:
    with pytest.raises(UsageError, match="OpenVINO does not run on CUDA"):
        assert Asked("cuda", "openvino").ways


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    config = GeneratorConfig("light", 4, 1, 32)
    path = tmp_path_factory.mktemp("models") / "tiny.safetensors"
    weights.save(path, config, {"a2b": Generator(config).state_dict()}, metadata={})
    return path


def test_a_model_that_translates(model: Path) -> None:
    (_, finding) = looked(Asked("cpu", "torch", str(model)), ok("torch-cpu", "fine"))
    assert (finding.name, finding.status) == ("asked-model", "ok"), finding
    assert (finding.facts["backend"], finding.facts["device"]) == ("torch", "cpu")


def test_a_model_that_is_cut_off(model: Path, tmp_path: Path) -> None:
    (tmp_path / "cut.safetensors").write_bytes(model.read_bytes()[:1000])
    (finding,) = looked(Asked(model=str(tmp_path / "cut.safetensors")))
    assert (finding.status, finding.exit_code) == ("problem", ExitCode.BAD_MODEL)
    assert "incomplete" in finding.text
    assert finding.remedy == "download or copy it again"


def test_a_model_that_nobody_knows() -> None:
    (finding,) = looked(Asked(model="portrait2tune"))
    assert (finding.exit_code, finding.remedy) == (ExitCode.USAGE, "did you mean portrait2toon?")


def test_a_model_that_crashes_or_hangs() -> None:
    crash = judge("m", failed("the process was ended by signal 11 (SIGSEGV)"))
    assert (crash.status, crash.text) == (
        "problem",
        "m does not translate: the process was ended by signal 11 (SIGSEGV)",
    )
    assert judge("m", answered({"backend": "onnx", "device": "cpu"})).status == "ok"
