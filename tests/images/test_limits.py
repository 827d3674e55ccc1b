"""Claims and endless files are refused before they cost anything."""

from __future__ import annotations

import struct

import pytest
from images.pictures import COMPLETE, chunk, decoded, encoded, photo, png

from ugatit_cli import images
from ugatit_cli.errors import RefusedError


def test_a_claim_is_refused_by_the_header_alone() -> None:
    for data in (
        png(20_000, 20_000, 8, 0, b""),
        png(1, images.MAX_SIDE + 1, 8, 0, b""),
        encoded(photo(), "BMP")[:18] + struct.pack("<ii", 30_000, 30_000) + encoded(photo(), "BMP")[26:],
    ):
        with pytest.raises(RefusedError, match="pixels") as caught:
            decoded(data)
        assert caught.value.exit_code == 6


def test_files_of_endless_parts_are_refused_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    for loader in ("jpeg", "png"):
        monkeypatch.setattr(f"ugatit_cli.images.{loader}.MAX_PARTS", 1000)
    empty = chunk(b"teXt", b"")
    for data in (
        COMPLETE["png"][:33] + empty * 2000 + COMPLETE["png"][33:],
        COMPLETE["jpeg"][:2] + b"\xff\xe5\0\2" * 2000 + COMPLETE["jpeg"][2:],
    ):
        with pytest.raises(RefusedError, match="more than 1000"):
            decoded(data)
