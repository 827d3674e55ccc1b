"""Memory, and the limits of containers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ugatit_cli.diagnosis.memory import group_limit, memory_findings


def test_this_machine() -> None:
    (finding,) = memory_findings()
    assert finding.facts["bytes"] >= finding.facts["allowed_bytes"] > 0


def test_too_little() -> None:
    (finding,) = memory_findings(little=2**62)
    assert (finding.status, "--batch-size" in finding.remedy) == ("note", True)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the address space")
def test_what_ulimit_leaves() -> None:
    code = "import resource; resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))\n"
    code += "from ugatit_cli.diagnosis.memory import memory_findings; print(next(memory_findings()).facts)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert f"'allowed_bytes': {2**30}" in done.stdout


@pytest.mark.parametrize(
    ("own", "files", "limit"),
    [
        ("0::/a/b", {"a/memory.max": "3000", "a/b/memory.max": "max"}, 3000),
        ("0::/a/b", {"a/memory.max": "3000", "a/b/memory.max": "2000"}, 2000),
        ("4:memory:/a\n0::/", {"memory/a/memory.limit_in_bytes": "5000"}, 5000),
        ("0::/", {"memory.max": "7000"}, 7000),  # a container sees itself at the top
        ("0::/a", {}, None),
    ],
)
def test_limits_of_control_groups(tmp_path: Path, own: str, files: dict[str, str], limit: int | None) -> None:
    (tmp_path / "own").write_text(own + "\n", encoding="ascii")
    for name, text in files.items():
        (tmp_path / "groups" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "groups" / name).write_text(text + "\n", encoding="ascii")
    assert group_limit(tmp_path / "own", tmp_path / "groups") == limit


def test_no_control_groups(tmp_path: Path) -> None:
    assert group_limit(tmp_path / "missing", tmp_path) is None
