"""The wheel, installed for good and not editable, translates with nothing but what it brought along."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

REPOSITORY = Path(__file__).resolve().parents[1]
PHOTOGRAPH = REPOSITORY / "examples" / "hopper.jpg"


def run(command: list[str | Path], folder: Path) -> str:
    """Standard output of a command that must succeed, run in `folder` without the developer's settings."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    pip: list[str | Path] = [
        sys.executable,
        "-m",
        "pip",
        "--disable-pip-version-check",
        "wheel",
        "--quiet",
        "--no-deps",
    ]
    run([*pip, "--no-build-isolation", "--no-index", "--wheel-dir", folder, REPOSITORY], folder)
    (made,) = folder.glob("ugatit_cli-*.whl")
    return made


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment with the wheel in it; the libraries are borrowed from the one that runs this test.

    A .pth file adds their folder, but not what its own .pth files add: the checkout that an editable
    installation points at stays out of reach.
    """
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    pip: list[str | Path] = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", python]
    run([*pip, "install", "--quiet", "--no-deps", "--no-index", wheel], folder)
    (site_packages,) = folder.glob("lib/python*/site-packages")
    (site_packages / "borrowed.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    return folder


def test_the_wheel_holds_the_package_the_models_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    assert tops == {"ugatit_cli", next(top for top in tops if top.endswith(".dist-info"))}
    assert {"ugatit_cli/cli.py", "ugatit_cli/models/registry.toml"} <= set(names)
    assert any(name.endswith("/licenses/LICENSE") for name in names)


def test_the_wheel_is_what_runs(environment: Path, tmp_path: Path) -> None:
    said = run([environment / "bin" / "python", "-c", "import ugatit_cli; print(ugatit_cli.__file__)"], tmp_path)
    assert Path(said.strip()).is_relative_to(environment)


def test_the_wheel_translates_with_the_bundled_model(environment: Path, tmp_path: Path) -> None:
    run([environment / "bin" / "ugatit", "translate", PHOTOGRAPH, "-o", "out.png"], tmp_path)
    with Image.open(tmp_path / "out.png") as drawing, Image.open(PHOTOGRAPH) as photograph:
        assert (drawing.format, drawing.size) == ("PNG", photograph.size)
        difference = np.abs(np.asarray(drawing.convert("RGB"), int) - np.asarray(photograph.convert("RGB"), int))
    assert difference.mean() > 8, "the photograph came back as it was"
