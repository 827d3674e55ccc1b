"""GPUs that are there, hidden, or not there: as their driver would tell."""

from __future__ import annotations

import pytest
from diagnosis.answers import answered, failed

from ugatit_cli.diagnosis.devices import device_findings, has_cuda, judge
from ugatit_cli.diagnosis.probing import Probes

GPU = {"gpu": {"name": "NVIDIA H200", "bytes": 150_000_000_000, "capability": "9.0"}}


def test_a_driver_and_its_gpus() -> None:
    driver, *gpus = judge(answered({"cuda": "13.1", "count": 2}, GPU, GPU))
    assert (driver.status, driver.text) == ("ok", "NVIDIA driver for CUDA up to 13.1, 2 GPUs")
    assert [gpu.name for gpu in gpus] == ["gpu-0", "gpu-1"]
    assert gpus[0].text == "NVIDIA H200, 150 GB, compute capability 9.0"


def test_no_driver_is_no_problem() -> None:
    (finding,) = judge(answered({"missing": "no NVIDIA driver was found"}))
    assert (finding.status, finding.text) == ("note", "no NVIDIA driver was found")


def test_gpus_may_be_hidden() -> None:
    (finding,) = judge(answered({"missing": "the NVIDIA driver sees no device"}), visible="")
    assert finding.remedy == "unset CUDA_VISIBLE_DEVICES"
    (finding,) = judge(answered({"missing": "no NVIDIA driver was found"}), visible="")
    assert finding.remedy == ""


def test_a_driver_that_crashes() -> None:
    (finding,) = judge(failed("the process was ended by signal 11 (SIGSEGV)"))
    assert (finding.status, "SIGSEGV" in finding.text) == ("note", True)


@pytest.mark.gpu
def test_a_real_gpu() -> None:
    with Probes() as probes:
        assert has_cuda(probes)
        assert {finding.status for finding in device_findings(probes)} == {"ok"}
