"""The shared collection of bad pictures: each gets the code and the words that its manifest asks for."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from ugatit_cli import images
from ugatit_cli.errors import UgatitError

REPOSITORY = Path(images.__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def hostile_images(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, Any]]]:
    """The folder and the manifest's cases of group `images`, made once."""
    generator = shared / "hostile" / "make_hostile.py"
    if not generator.is_file():
        pytest.skip("the generator of bad inputs is not in the shared folder")
    folder = tmp_path_factory.mktemp("hostile")
    command = [sys.executable, str(generator), str(folder), "--group", "images", "--no-special"]
    made = subprocess.run(command, capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    return folder, json.loads((folder / "manifest.json").read_text())["cases"]


def shortcoming(folder: Path, case: dict[str, Any]) -> str:
    """How reading falls short of what the case asks for; empty if it does not."""
    wanted = case["expect"]
    codes = wanted["exit"] if isinstance(wanted["exit"], list) else [wanted["exit"]]
    start = time.monotonic()
    try:
        picture = images.read(folder / case["path"])
        code, said = 0, " ".join(picture.notes)
    except UgatitError as error:
        code, said = int(error.exit_code), error.message
    if code not in codes:
        return f"{case['path']}: code {code}, not {codes}: {said}"
    if not re.search(wanted["message"], said, re.IGNORECASE):
        return f"{case['path']}: {said!r} does not say /{wanted['message']}/"
    late = time.monotonic() - start > wanted["max_seconds"]
    return f"{case['path']}: too slow" if late else ""


def test_every_shared_bad_picture_gets_its_code_and_its_words(
    hostile_images: tuple[Path, list[dict[str, Any]]],
) -> None:
    folder, cases = hostile_images
    assert len(cases) >= 70
    assert [text for case in cases if (text := shortcoming(folder, case))] == []


MEASURE = """
import re, sys
from pathlib import Path
from ugatit_cli import images
from ugatit_cli.errors import UgatitError
for name in sys.argv[1:]:
    try:
        images.read(Path(name))
    except UgatitError:
        pass
print(int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) // 1024)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads its own peak from /proc")
def test_bombs_cost_no_memory(hostile_images: tuple[Path, list[dict[str, Any]]]) -> None:
    folder, cases = hostile_images
    bombs = [str(folder / case["path"]) for case in cases if (case["expect"]["max_rss_mb"] or 9999) <= 400]
    assert len(bombs) >= 6
    command = [sys.executable, "-c", MEASURE, *bombs]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert int(done.stdout) < 150


def test_upright_means_the_white_mark_is_at_the_top_left(
    hostile_images: tuple[Path, list[dict[str, Any]]],
) -> None:
    folder, _ = hostile_images
    for number in range(2, 9):
        picture = images.read(folder / "images" / f"exif_orientation_{number}.jpg")
        assert picture.pixels.shape == (64, 96, 3)
        assert picture.pixels[2:14, 2:22].min() > 240, number
