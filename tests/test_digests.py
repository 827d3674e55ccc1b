"""Digests of large files, remembered only while the files stay what they are."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import pytest

from ugatit_cli import digests
from ugatit_cli.digests import remembered_sha256

OLD = time.time() - 100


@pytest.fixture(autouse=True)
def small_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digests, "LARGE", 4)
    monkeypatch.setattr(digests, "SETTLED", -10.0)


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def reads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Every file whose bytes are looked at from now on."""
    read: list[Path] = []

    def noted(path: Path) -> str:
        read.append(path)
        return sha256(path)

    monkeypatch.setattr(digests, "sha256_of", noted)
    return read


def test_a_file_that_stays_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, read = tmp_path / "a", reads(monkeypatch)
    path.write_bytes(b"weights")
    assert [remembered_sha256(path) for _ in range(3)] == [sha256(path)] * 3
    assert read == [path]


@pytest.mark.parametrize("how", ["in place, times put back", "replaced", "longer"])
def test_a_file_that_changed_is_read_again(how: str, tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"weights")
    os.utime(path, (OLD, OLD))
    before = remembered_sha256(path)
    if how == "replaced":
        (tmp_path / "b").write_bytes(b"WEIGHTS")
        os.replace(tmp_path / "b", path)
    else:
        time.sleep(0.02)  # of the file system's clock
        path.write_bytes(b"WEIGHTS" if how.startswith("in place") else b"weights and more")
    os.utime(path, (OLD, OLD))
    assert remembered_sha256(path) == sha256(path) != before


def test_a_file_that_was_just_written_is_not_trusted_yet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digests, "SETTLED", 60.0)
    path, read = tmp_path / "a", reads(monkeypatch)
    path.write_bytes(b"weights")
    assert remembered_sha256(path) == remembered_sha256(path)
    assert len(read) == 2


@pytest.mark.parametrize("text", ["", "{", "[]", '{"identity": 1}'])
def test_a_damaged_record_is_no_record(text: str, tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"weights")
    remembered_sha256(path)
    digests._record(path).write_text(text)
    assert remembered_sha256(path) == sha256(path)


def test_a_cache_that_cannot_be_written_does_no_harm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"weights")
    monkeypatch.setenv("UGATIT_CACHE", str(path))  # no folder
    assert remembered_sha256(path) == sha256(path)
