"""The shared collections of bad checkpoints and graphs, through `ugatit models import`: the same codes, and nothing left."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ugatit_cli.cli import app

FITS_AFTER_ALL = {"CKP-30"}  # a full generator of 32 pixels: nothing is wrong with it


def shortfalls(case: dict[str, Any], root: Path, target: Path) -> list[str]:
    expected = case["expect"]
    done = CliRunner().invoke(app, ["models", "import", str(root / case["path"]), "-o", str(target / case["id"])])
    codes = expected["exit"] if isinstance(expected["exit"], list) else [expected["exit"]]
    found = [] if done.exit_code in codes else [f"exit code {done.exit_code}, not {codes}: {done.stderr}"]
    if done.exit_code and not re.search(expected["message"], done.stderr, re.IGNORECASE):
        found.append(f"{done.stderr!r} does not say {expected['message']}")
    if done.exit_code and (target / case["id"]).exists():
        found.append("left a folder")
    return found


@pytest.mark.parametrize("group", [pytest.param("ckpt", marks=pytest.mark.slow), "onnx"])
def test_the_shared_collection(group: str, shared: Path, tmp_path: Path) -> None:
    folder, target = tmp_path / "cases", tmp_path / "imported"
    maker = str(shared / "hostile" / "make_hostile.py")
    subprocess.run([sys.executable, maker, str(folder), "--group", group], check=True, capture_output=True)
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    cases = [case for case in manifest["cases"] if case["id"] not in FITS_AFTER_ALL]
    assert {case["id"]: found for case in cases if (found := shortfalls(case, folder, target))} == {}
    assert list(Path(manifest["canary"]).iterdir()) == [], "code from a file ran"
    assert [path.name for path in target.glob(".*")] == []
