"""Picture sets that are wrong in every known way: what the look before the first step makes of each."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ugatit_cli.errors import ExitCode, UgatitError
from ugatit_cli.training.config import TrainConfig
from ugatit_cli.training.preparation import prepare


@pytest.fixture(scope="module")
def cases(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, Any]]]:
    folder = tmp_path_factory.mktemp("hostile")
    maker = shared / "hostile" / "make_hostile.py"
    subprocess.run([sys.executable, str(maker), str(folder), "--group", "train"], check=True, capture_output=True)
    manifest = json.loads((folder / "manifest.json").read_text())
    return folder, manifest["cases"]


def outcome(folder: Path) -> tuple[int, str]:
    """Exit code and all that is said."""
    try:
        survey = prepare(TrainConfig(a=folder / "A", b=folder / "B", size=64)).survey
    except UgatitError as error:
        return error.exit_code, error.message
    return ExitCode.OK, "\n".join(survey.findings)


def test_every_case_gets_its_code_and_its_message(cases: tuple[Path, list[dict[str, Any]]]) -> None:
    folder, listed = cases
    assert len(listed) == 11
    for case in listed:
        code, said = outcome(folder / case["path"])
        expected = case["expect"]
        assert code in (expected["exit"] if isinstance(expected["exit"], list) else [expected["exit"]]), (
            case["id"],
            said,
        )
        assert re.search(expected["message"] or "", said, re.IGNORECASE), (case["id"], said)
