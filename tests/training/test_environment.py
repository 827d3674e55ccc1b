"""The description of a machine explains numbers and tells nothing about its owner."""

from __future__ import annotations

import getpass
import platform
import re
from pathlib import Path

import pytest
import torch

from ugatit_cli import __version__
from ugatit_cli.training import environment
from ugatit_cli.training.environment import describe_environment

CPU = torch.device("cpu")


def test_versions_processor_and_threads_are_told() -> None:
    facts = describe_environment(CPU)
    assert facts["ugatit"] == __version__
    assert facts["python"] == platform.python_version()
    assert facts["torch"] == torch.__version__
    assert re.match(r"\d+\.\d+", facts["numpy"])
    assert facts["threads"] == str(torch.get_num_threads())
    assert facts["device"] == "cpu"
    assert "gpu" not in facts
    assert all(type(value) is str and value for value in facts.values())


def test_neither_paths_nor_names_of_people_and_machines_are_told() -> None:
    text = " ".join(describe_environment(CPU).values())
    assert not re.search(r"(^|\s)([/\\]|[A-Z]:\\)", text)
    for secret in (getpass.getuser(), platform.node(), Path.home().name):
        assert not re.search(rf"\b{re.escape(secret)}\b", text)


def test_a_home_made_kernel_keeps_its_name_to_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "release", lambda: "6.1.0-alice-laptop")
    assert "alice" not in " ".join(describe_environment(CPU).values())


def test_the_processor_is_named_after_what_linux_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = tmp_path / "cpuinfo"
    info.write_text("processor\t: 0\nmodel name\t: Example 9000: fast\nprocessor\t: 1\nmodel name\t: other\n")
    monkeypatch.setattr(environment, "CPU_INFO", info)
    assert describe_environment(CPU)["processor"] == "Example 9000: fast"


def test_the_processor_has_a_name_where_linux_says_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "CPU_INFO", tmp_path / "missing")
    assert describe_environment(CPU)["processor"] in (platform.processor(), platform.machine())


@pytest.mark.gpu
def test_the_gpu_is_told() -> None:
    facts = describe_environment(torch.device("cuda"))
    assert facts["gpu"] == torch.cuda.get_device_name()
    assert facts["device"] == "cuda"
