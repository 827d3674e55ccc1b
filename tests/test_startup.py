"""The program answers at once: what takes long to load is not loaded before there is something to do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {"torch", "numpy", "cv2", "PIL", "av", "onnxruntime", "huggingface_hub", "safetensors"}
ASK = """
import json, sys
from ugatit_cli.cli import main
codes = []
for words in json.loads(sys.argv[1]):
    sys.argv = ["ugatit", *words]
    try:
        main()
    except SystemExit as end:
        codes.append(end.code)
print("\\n" + json.dumps([codes, sorted(sys.modules)]))
"""
USAGE_ERRORS = [
    [],
    ["dance"],
    ["translate"],
    ["translate", "a.png", "--no-such-option"],
    ["translate", "a.png", "--size", "17"],
    ["translate", "missing.png"],
    ["translate", ".", "-o", "."],
    ["translate", ".", "-o", "x.png"],
    ["translate", "a.png", "-m", "missing"],
    ["translate", "a.png", "-o", "b.png", "-m", "model.pt"],
]


@pytest.mark.parametrize(
    ("calls", "code"), [([["--help"]], 0), ([["--version"]], 0), ([["translate", "--help"]], 0), (USAGE_ERRORS, 2)]
)
def test_nothing_heavy_is_loaded(calls: list[list[str]], code: int, tmp_path: Path) -> None:
    for name in ("a.png", "b.png", "model.pt"):
        (tmp_path / name).touch()
    done = subprocess.run([sys.executable, "-c", ASK, json.dumps(calls)], cwd=tmp_path, capture_output=True, text=True)
    codes, modules = json.loads(done.stdout.splitlines()[-1])
    assert codes == [code] * len(calls), done.stderr
    assert HEAVY & {name.split(".")[0] for name in modules} == set()


def test_a_lone_bad_picture_is_told_of_before_a_network_is_loaded(tmp_path: Path) -> None:
    for name in ("a.png", "model.pt"):
        (tmp_path / name).touch()
    calls = [["translate", "a.png", "-m", "model.pt"]]
    done = subprocess.run([sys.executable, "-c", ASK, json.dumps(calls)], cwd=tmp_path, capture_output=True, text=True)
    codes, modules = json.loads(done.stdout.splitlines()[-1])
    assert (codes, "torch" in modules) == ([4], False)


def test_the_page_about_all_commands_loads_none() -> None:
    done = subprocess.run([sys.executable, "-c", ASK, '[["--help"]]'], capture_output=True, text=True)
    *page, last = done.stdout.splitlines()
    assert not {"pydantic", "ugatit_cli.commands"} & set(json.loads(last)[1])
    assert [line for line in page if line.endswith("...") and "Usage" not in line] == []  # each fits into its line


def test_help_is_there_in_no_time() -> None:
    """Processor time, the best of three, so that it does not matter what else the machine is doing."""
    seconds = []
    for _ in range(3):
        before = os.times()
        subprocess.run([sys.executable, "-m", "ugatit_cli", "--help"], check=True, stdout=subprocess.DEVNULL)
        after = os.times()
        seconds.append(sum(after[2:4]) - sum(before[2:4]))  # of children: user and system
    assert min(seconds) < 0.4
