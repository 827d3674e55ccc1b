"""Folders that cannot be written, disks that are full, and what is left behind: nothing."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ugatit_cli.diagnosis import storage
from ugatit_cli.diagnosis.findings import Finding
from ugatit_cli.errors import ExitCode


def named(**settings: int) -> dict[str, Finding]:
    return {finding.name: finding for finding in storage.storage_findings(**settings)}


def test_a_right_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = tmp_path / "cache"
    (cache / "graphs").mkdir(parents=True)
    (cache / "graphs" / "a").write_bytes(bytes(1500))
    monkeypatch.setenv("UGATIT_CACHE", str(cache))
    finding = named(least_free=0)["cache-folder"]
    assert (finding.status, finding.text) == ("ok", f"cache {cache}: 1 file, 1.5 KB")
    assert [path.name for path in cache.rglob("*")] == ["graphs", "a"]


def test_a_cache_that_is_not_there_yet_is_not_made(tmp_path: Path) -> None:
    finding = storage.cache_finding(tmp_path / "a" / "b")
    assert (finding.status, "can be made" in finding.text) == ("ok", True)
    assert list(tmp_path.iterdir()) == []


def test_a_cache_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    finding = storage.cache_finding(tmp_path / "file" / "cache")
    assert (finding.status, finding.exit_code) == ("problem", ExitCode.OUTPUT)
    assert "not a directory" in finding.text
    assert "UGATIT_CACHE" in finding.remedy


def test_a_cache_that_is_a_link_to_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cache").symlink_to(tmp_path / "missing" / "folder")
    monkeypatch.setenv("UGATIT_CACHE", str(tmp_path / "cache"))
    found = named(least_free=0)
    assert (found["cache-folder"].status, found["cache-folder"].exit_code) == ("problem", ExitCode.OUTPUT)
    assert (found["disk"].status, str(tmp_path / "cache") in found["disk"].text) == ("ok", True)


def test_files_of_the_cache_that_go_while_they_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def walk(folder: Path) -> Iterator[tuple[str, list[str], list[str]]]:
        for found in list(os_walk(folder)):
            (tmp_path / "part").unlink()
            yield found

    os_walk = os.walk
    (tmp_path / "kept").write_bytes(bytes(1500))
    (tmp_path / "part").touch()
    monkeypatch.setattr(os, "walk", walk)
    assert storage.cache_finding(tmp_path).text == f"cache {tmp_path}: 1 file, 1.5 KB"


def test_a_disk_with_too_little_space() -> None:
    finding = named(least_free=2**62)["disk"]
    assert (finding.status, finding.exit_code) == ("problem", ExitCode.RESOURCES)


def test_folders_on_one_disk_share_a_line(tmp_path: Path) -> None:
    (finding,) = storage.disk_findings([tmp_path, tmp_path / "not" / "there"], least_free=0)
    assert finding.status == "ok"
    assert abs(finding.facts["free_bytes"] - shutil.disk_usage(tmp_path).free) < 10**9


def test_temporary_files_that_go_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / "missing"))
    monkeypatch.setattr(tempfile, "tempdir", None)  # what Python remembers
    finding = storage.temporary_finding(storage.temporary_folder())
    assert (finding.status, finding.remedy) == ("note", "unset TMPDIR")


def test_no_place_for_temporary_files(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in (None, tmp_path / "file"):
        finding = storage.temporary_finding(folder)
        assert (finding.status, finding.exit_code) == ("problem", ExitCode.OUTPUT)


def test_the_hubs_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    assert list(storage.hub_cache_findings()) == []
    (tmp_path / "hub" / "models--a--b").mkdir(parents=True)
    (finding,) = storage.hub_cache_findings()
    assert (finding.status, finding.facts["models"]) == ("ok", 1)
