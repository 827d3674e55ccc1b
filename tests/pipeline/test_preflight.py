"""What is hopeless is said before the model is loaded."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ugatit_cli.errors import OutputError, ResourceError, UsageError
from ugatit_cli.pipeline.plan import Job
from ugatit_cli.pipeline.preflight import check_folders, check_space
from ugatit_cli.pipeline.sources import Source


def job(source: Path, target: Path) -> Job:
    status = source.stat() if source.exists() else None
    return Job(Source(source, Path(source.name), status=status), {"result": target}, "png")


def test_folders_to_be_made_are_fine(tmp_path: Path) -> None:
    check_folders([job(tmp_path / "a.png", tmp_path / "x" / "y" / "a.png"), job(Path("a.png"), Path("b.png"))])


def test_a_file_where_a_folder_should_be(tmp_path: Path) -> None:
    (tmp_path / "out").touch()
    for target in (tmp_path / "out" / "a.png", tmp_path / "out" / "sub" / "a.png"):
        with pytest.raises(UsageError, match="is a file, not a folder"):
            check_folders([job(tmp_path / "a.png", target)])


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_a_folder_without_permission(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir(mode=0o500)
    with pytest.raises(OutputError, match="permission denied"):
        check_folders([job(tmp_path / "a.png", tmp_path / "out" / "new" / "a.png")])


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="asks for a folder that nobody can write")
def test_a_folder_that_nobody_can_write() -> None:
    with pytest.raises(OutputError, match="permission denied"):
        check_folders([job(Path("a.png"), Path("/proc/self/new/a.png"))])


def test_a_disk_without_room(tmp_path: Path) -> None:
    source = tmp_path / "huge.bmp"
    with source.open("wb") as file:
        file.truncate(2**43)  # takes no room: nothing is in it
    with pytest.raises(ResourceError, match="MB left"):
        check_space([job(source, tmp_path / "out" / "huge.bmp")])
    check_space([job(tmp_path / "missing.png", tmp_path / "out.png")])
