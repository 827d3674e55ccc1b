from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from ugatit_cli import weights
from ugatit_cli.errors import BadModelError, RefusedError, UgatitError, UsageError
from ugatit_cli.model_file import MAX_BYTES


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        (b"", BadModelError, r"empty \(0 bytes\)"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 4\n", BadModelError, "Git LFS pointer"),
        (b"<!DOCTYPE html><html>", BadModelError, r"web page \(HTML\)"),
        (b"\n  <HTML><head>", BadModelError, r"web page \(HTML\)"),
        (b"\x08\x09\x12\x07pytorch\x1a\x062.13.0", BadModelError, "ONNX graph"),
        (b"\x08\x0a\x3a\x20" + bytes(40), BadModelError, "ONNX graph"),
        (bytes(257) + b"ustar\x0000" + bytes(300), RefusedError, "tar archive"),
        (bytes(8), BadModelError, "neither a safetensors header"),
        (b"\x08", BadModelError, "not a checkpoint"),
        (b"some text", BadModelError, "not a checkpoint"),
        (b"\x89PNG\r\n\x1a\n" + bytes(99), BadModelError, "not a checkpoint"),
        (b"PK\x03\x04", BadModelError, "incomplete"),
        (b"\x80\x02", BadModelError, "damaged"),
        (b"\x02\0\0\0\0\0\0\0{", BadModelError, "incomplete"),
        (b"\x02\0\0\0\0\0\0\0{}", BadModelError, "no weights are in it"),
        (b"\x01\0\x80\0\0\0\0\0{" + b" " * 0x800001, BadModelError, "8,388,609 bytes, more than any model needs"),
    ],
)
def test_strangers_are_told_apart(content: bytes, error: type[UgatitError], message: str, tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    path.write_bytes(content)
    with pytest.raises(error, match=message) as caught:
        weights.load(path)
    assert str(path) in caught.value.message


def test_only_regular_files_are_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(BadModelError, match="not a regular file"):
        weights.load(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s"))
        with pytest.raises(BadModelError, match="not a regular file"):
            weights.load(tmp_path / "s")
    (tmp_path / "zero").symlink_to("/dev/zero")
    with pytest.raises(BadModelError, match="not a regular file"):
        weights.load(tmp_path / "zero")
    with pytest.raises(BadModelError, match="it is a folder"):
        weights.load(tmp_path)


def test_missing_files_and_broken_links(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not exist"):
        weights.load(tmp_path / "nothing.pt")
    (tmp_path / "dangling").symlink_to("nothing.pt")
    with pytest.raises(UsageError, match="its link leads to a file that does not exist"):
        weights.load(tmp_path / "dangling")
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(BadModelError, match="a link that leads back to itself"):
        weights.load(tmp_path / "loop")


def test_a_file_larger_than_any_model_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "sparse.pt"
    with path.open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    with pytest.raises(RefusedError, match="16 GiB"):
        weights.load(path)


@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "secret.pt"
    path.write_bytes(b"x")
    path.chmod(0)
    with pytest.raises(BadModelError, match="cannot be read: permission denied"):
        weights.load(path)
