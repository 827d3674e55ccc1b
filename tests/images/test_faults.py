"""Errors say which file they are about, and what is missing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from images.pictures import COMPLETE, decoded

from ugatit_cli import images
from ugatit_cli.errors import BadInputError, UgatitError


def test_errors_name_the_file(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(b"")
    with pytest.raises(BadInputError, match=re.escape(f"cannot read {path}: it is empty")):
        images.read(path)


def test_memory_that_is_not_there_is_a_resource_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_memory(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(images, "load", no_memory)
    with pytest.raises(UgatitError, match="not enough memory") as caught:
        decoded(COMPLETE["png"])
    assert caught.value.exit_code == 8
