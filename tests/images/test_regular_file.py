"""Only regular files are opened, and only pictures read to their end."""

from __future__ import annotations

import os
import socket
import tracemalloc
from pathlib import Path

import pytest
from images.pictures import COMPLETE

from ugatit_cli import images
from ugatit_cli.errors import BadInputError, RefusedError, UsageError


def test_the_bytes_decide_and_not_the_name(tmp_path: Path) -> None:
    for name in ("a.png", "no_ending", "UPPER.JPG", "a.txt"):
        (tmp_path / name).write_bytes(COMPLETE["jpeg"])
        assert images.read(tmp_path / name).format == "JPEG"


def test_a_missing_file_and_a_broken_link_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "link.png").symlink_to("nowhere.png")
    with pytest.raises(UsageError, match="broken link"):
        images.read(tmp_path / "link.png")
    with pytest.raises(UsageError, match="does not exist"):
        images.read(tmp_path / "nowhere.png")


def test_links_to_pictures_are_followed_and_endless_ones_are_not(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(COMPLETE["png"])
    (tmp_path / "link.png").symlink_to("a.png")
    (tmp_path / "loop.png").symlink_to("loop.png")
    assert images.read(tmp_path / "link.png").format == "PNG"
    with pytest.raises(BadInputError, match="cannot read"):
        images.read(tmp_path / "loop.png")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names there")
@pytest.mark.timeout(10)
def test_pipes_sockets_devices_and_folders_are_never_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "folder.jpg").mkdir()
    (tmp_path / "device.jpg").symlink_to("/dev/zero")
    monkeypatch.chdir(tmp_path)  # a socket's path has room for 108 bytes
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket.jpg")
        for name in ("pipe.jpg", "folder.jpg", "device.jpg", "socket.jpg"):
            with pytest.raises(BadInputError, match=r"folder|pipe, socket or device"):
                images.read(tmp_path / name)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_bad_input(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(COMPLETE["png"])
    (tmp_path / "a.png").chmod(0)
    with pytest.raises(BadInputError, match="permission denied"):
        images.read(tmp_path / "a.png")


def test_a_path_of_more_than_a_thousand_bytes(tmp_path: Path) -> None:
    folder = tmp_path.joinpath(*[f"level_{level:03d}" for level in range(120)])
    folder.mkdir(parents=True)
    (folder / "a.png").write_bytes(COMPLETE["png"])
    assert images.read(folder / "a.png").format == "PNG"
    with pytest.raises(BadInputError, match="name too long"):
        images.read(tmp_path / ("x" * 300))


def test_a_huge_file_is_refused_unread_and_a_huge_stranger_by_its_first_bytes(tmp_path: Path) -> None:
    for head, error in ((COMPLETE["png"][:40], RefusedError), (b"no picture", BadInputError)):
        path = tmp_path / "sparse.png"
        path.write_bytes(head)
        os.truncate(path, images.MAX_BYTES + 1 if error is RefusedError else images.MAX_BYTES)
        tracemalloc.start()
        try:
            with pytest.raises(error):
                images.read(path)
            assert tracemalloc.get_traced_memory()[1] < 1 << 20
        finally:
            tracemalloc.stop()
