"""What a file is decided to be, from its bytes and its outermost boxes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from films import Film

from ugatit_cli.errors import BadInputError, RefusedError, UgatitError, UsageError
from ugatit_cli.video.sniffing import sniff
from ugatit_cli.video.structure import ends_early


@pytest.mark.parametrize(
    ("data", "kind", "words"),
    [
        (b"", BadInputError, "empty"),
        (b"hello, I am no film", BadInputError, "not a video"),
        (b"#EXTM3U\nfile:///etc/passwd\n", RefusedError, "playlist"),
        (b"ffconcat version 1.0\nfile 'a.mp4'\n", RefusedError, "playlist"),
        (b"<?xml version='1.0'?><MPD></MPD>", RefusedError, "playlist"),
        (b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\n", RefusedError, "network stream"),
        (b"\xff\xd8\xff\xe0", BadInputError, "a picture"),
        (b"<!DOCTYPE html><title>404</title>", BadInputError, "HTML"),
        (b"ID3\x04", BadInputError, "only audio"),
    ],
)
def test_what_is_no_film_is_called_by_its_name(
    tmp_path: Path, data: bytes, kind: type[UgatitError], words: str
) -> None:
    (tmp_path / "a.mp4").write_bytes(data)
    with pytest.raises(kind, match=words):
        sniff(tmp_path / "a.mp4")


def test_only_regular_files_are_opened(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        sniff(tmp_path / "missing.mp4")
    os.mkfifo(tmp_path / "a.mp4")
    with pytest.raises(BadInputError, match="no regular file"):
        sniff(tmp_path / "a.mp4")


@pytest.mark.parametrize(
    ("name", "demuxer"),
    [("a.mp4", "mov"), ("a.mov", "mov"), ("a.mkv", "matroska"), ("a.avi", "avi"), ("a.ts", "mpegts")],
)
def test_films_under_any_name(tmp_path: Path, name: str, demuxer: str) -> None:
    film = Film(frames=3).make(tmp_path / name)
    assert sniff(film.rename(tmp_path / "film.jpg")) == (demuxer, None)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.avi"])
def test_a_file_knows_whether_it_is_cut_off(tmp_path: Path, name: str) -> None:
    film = Film(options={"movflags": "faststart"} if name == "a.mp4" else {}).make(tmp_path / name)
    demuxer, _ = sniff(film)
    assert not ends_early(film, demuxer)
    film.write_bytes(film.read_bytes()[:-200])
    assert ends_early(film, demuxer)


def test_what_stands_behind_a_whole_film_is_no_cut(tmp_path: Path) -> None:
    film = Film().make(tmp_path / "a.mp4")
    whole = film.read_bytes()
    film.write_bytes(whole + b"\x7f\x12\x34\x56 \x99!?" + b"\xaa" * 3000)
    assert not ends_early(film, "mov")
    film.write_bytes(whole + (10_000).to_bytes(4, "big") + b"free" + bytes(3000))
    assert ends_early(film, "mov"), "a box that is known is cut off"
    first = whole.index(b"mdat") - 4
    film.write_bytes(whole[:first] + (10**6).to_bytes(4, "big") + b"\x99abc" + whole[first:])
    with pytest.raises(BadInputError):
        ends_early(film, "mov")


def test_without_its_index_there_is_no_film(tmp_path: Path) -> None:
    film = Film().make(tmp_path / "a.mp4")
    data = film.read_bytes()
    film.write_bytes(data[: len(data) // 2])
    with pytest.raises(BadInputError, match=r"incomplete: its index \(moov\)"):
        ends_early(film, "mov")
