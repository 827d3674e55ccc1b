"""The shared collection of bad videos: each gets the code and the words that its manifest asks for."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ugatit_cli.cli import app


@pytest.fixture(scope="module")
def cases(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, Any]]]:
    generator = shared / "hostile" / "make_hostile.py"
    if not generator.is_file():
        pytest.skip("the generator of bad inputs is not in the shared folder")
    folder = tmp_path_factory.mktemp("hostile")
    subprocess.run([sys.executable, str(generator), str(folder), "--group", "videos"], check=True, capture_output=True)
    return folder, json.loads((folder / "manifest.json").read_text())["cases"]


def shortcoming(folder: Path, case: dict[str, Any], model: Path, out: Path) -> str:
    """How `ugatit translate` falls short of what the case asks for; empty if it does not."""
    wanted = case["expect"]
    codes = wanted["exit"] if isinstance(wanted["exit"], list) else [wanted["exit"]]
    words = ["translate", str(folder / case["path"]), "-m", str(model), "-o", str(out), "--backend", "torch"]
    start = time.monotonic()
    result = CliRunner().invoke(app, words)
    late = time.monotonic() - start > wanted["max_seconds"]
    made = [path for path in out.rglob("*") if path.is_file() and not path.name.startswith(".")] if out.is_dir() else []
    if result.exit_code not in codes:
        return f"{case['path']}: code {result.exit_code}, not {codes}: {result.stderr}"
    if not re.search(wanted["message"], result.stderr, re.IGNORECASE):
        return f"{case['path']}: {result.stderr!r} does not say /{wanted['message']}/"
    if wanted["outputs"] is not None and len(made) != wanted["outputs"]:
        return f"{case['path']}: {len(made)} outputs"
    return f"{case['path']}: too slow" if late else ""


def test_every_shared_bad_video_gets_its_code_and_its_words(
    cases: tuple[Path, list[dict[str, Any]]], model: Path, tmp_path: Path
) -> None:
    folder, listed = cases
    assert len(listed) >= 27
    faults = [shortcoming(folder, case, model, tmp_path / case["id"]) for case in listed]
    assert [fault for fault in faults if fault] == []
