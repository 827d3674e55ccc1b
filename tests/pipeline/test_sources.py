"""What the command line means by files, folders, patterns and a dash."""

from __future__ import annotations

import glob
import io
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ugatit_cli.errors import UsageError
from ugatit_cli.pipeline.sources import Source, find_sources, read_now


def make(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")


def found(folder: Path, *, recursive: bool = False, excluded: tuple[Path, ...] = ()) -> list[str]:
    sources = find_sources([str(folder)], recursive=recursive, excluded=excluded)
    return [source.relative.as_posix() for source in sources if source.problem is None]


def test_a_folder_gives_its_pictures_by_name(tmp_path: Path) -> None:
    make(tmp_path, "b.JPG", "a.png", "c.webp", "d.heic", "e.gif")
    assert found(tmp_path) == ["a.png", "b.JPG", "c.webp", "d.heic", "e.gif"]


def test_what_is_no_picture_by_name_or_hidden_is_left_out(tmp_path: Path) -> None:
    make(
        tmp_path, "a.jpg", "._a.jpg", ".hidden.png", "b.jpg.part", "c.jpg.crdownload", "notes.txt", "Thumbs.db", "..png"
    )
    make(tmp_path, ".git/d.png", ".0123456789ab.ugatit-part")
    assert found(tmp_path, recursive=True) == ["a.jpg"]


def test_folders_are_looked_into_only_on_request(tmp_path: Path) -> None:
    make(tmp_path, "z.png", "x/1.png", "x/deep/2.png", "y/1.png")
    assert found(tmp_path) == ["z.png"]
    assert found(tmp_path, recursive=True) == ["z.png", "x/1.png", "x/deep/2.png", "y/1.png"]


def test_an_excluded_folder_is_not_looked_into_however_it_is_spelled(tmp_path: Path) -> None:
    make(tmp_path, "a.png", "out/a.png", "sub/out/b.png")
    assert found(tmp_path, recursive=True, excluded=(tmp_path / "sub" / ".." / "out",)) == ["a.png", "sub/out/b.png"]


def test_links_to_files_are_followed_and_links_to_folders_are_not(tmp_path: Path) -> None:
    make(tmp_path, "elsewhere/x.png", "in/a.png")
    (tmp_path / "in" / "b.png").symlink_to(tmp_path / "elsewhere" / "x.png")
    (tmp_path / "in" / "c.png").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "in" / "up").symlink_to("..")
    (tmp_path / "in" / "self").symlink_to("self")
    assert found(tmp_path / "in", recursive=True) == ["a.png", "b.png"]


def test_what_cannot_be_read_is_kept_so_that_it_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, "a.png")
    (tmp_path / "broken.png").symlink_to("nowhere.png")
    (tmp_path / "loop.png").symlink_to("loop.png")
    os.mkfifo(tmp_path / "pipe.png")
    with socket.socket(socket.AF_UNIX) as listener:
        monkeypatch.chdir(tmp_path)  # a socket's name must be short
        listener.bind("socket.png")
    assert found(tmp_path) == ["a.png", "broken.png", "loop.png", "pipe.png", "socket.png"]


def test_a_folder_named_like_a_picture_is_a_folder(tmp_path: Path) -> None:
    make(tmp_path, "a.png", "b.png/c.png")
    assert found(tmp_path) == ["a.png"]
    assert found(tmp_path, recursive=True) == ["a.png", "b.png/c.png"]


@pytest.mark.parametrize(
    "name",
    [
        "line\nbreak.png",
        "[a-z]*?.png",
        "~root.png",
        "%s{0}.png",
        "-rf.png",
        "a\\..\\b.png",
        os.fsdecode(b"bad_\xff\xfe.png"),
    ],
)
def test_strange_names_are_names(tmp_path: Path, name: str) -> None:
    make(tmp_path, name)
    assert [source.path for source in find_sources([str(tmp_path)], recursive=False)] == [tmp_path / name]
    assert [source.path for source in find_sources([str(tmp_path / name)], recursive=False)] == [tmp_path / name]


def test_a_named_file_is_taken_whatever_its_name(tmp_path: Path) -> None:
    make(tmp_path, "picture", ".hidden", "x.part")
    arguments = [str(tmp_path / name) for name in ("picture", ".hidden", "x.part")]
    assert [source.relative.name for source in find_sources(arguments, recursive=False)] == [
        "picture",
        ".hidden",
        "x.part",
    ]


def test_a_pattern_keeps_the_tree_below_its_fixed_part(tmp_path: Path) -> None:
    make(tmp_path, "photos/x/1.png", "photos/y/1.png", "photos/y/notes.txt", "photos/y/sub.png/2.png")
    sources = find_sources([str(tmp_path / "photos" / "*" / "*")], recursive=False)
    assert [source.relative.as_posix() for source in sources] == ["x/1.png", "y/1.png"]
    everything = find_sources([str(tmp_path / "photos" / "**")], recursive=False)
    assert [source.relative.as_posix() for source in everything] == ["x/1.png", "y/1.png", "y/sub.png/2.png"]


def test_links_to_folders_are_not_followed_by_two_stars(tmp_path: Path) -> None:
    make(tmp_path, "in/a.png", "in/sub/b.png", "elsewhere/c.png")
    for name, target in (("in/self", "."), ("in/there", "../elsewhere")):
        (tmp_path / name).symlink_to(target)
    for pattern in ("in/**", "in/**/*.png", "in/**/**/*.png"):
        sources = find_sources([str(tmp_path / pattern)], recursive=False)
        assert [source.relative.as_posix() for source in sources] == ["a.png", "sub/b.png"]
    (linked,) = find_sources([str(tmp_path / "in" / "there" / "**" / "*.png")], recursive=False)
    assert linked.path == tmp_path / "in" / "there" / "c.png"


@pytest.mark.parametrize(
    "pattern", ["**", "**/*", "*/**/*.png", "**/y/**", "**/.h/*", ".h/**", "x/**/y/*.p[nm]g", "./**/b.*"]
)
def test_two_stars_mean_what_they_mean_to_python(pattern: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, "a.png", ".a.png", "x/b.png", "x/y/b.png", "x/y/z/b.png", ".h/c.png", "x/.h/c.png", "[x]/y/b.png")
    monkeypatch.chdir(tmp_path)
    expected = {Path(name) for name in glob.glob(pattern, recursive=True) if os.path.isfile(name)}
    assert {source.path for source in find_sources([pattern], recursive=False)} == expected


def test_a_pattern_never_leads_out_of_the_output(tmp_path: Path) -> None:
    make(tmp_path, "a/x.png", "a/b/.keep")
    sources = find_sources([str(tmp_path / "a" / "*" / ".." / "x.png")], recursive=False)
    assert [source.relative.as_posix() for source in sources] == ["x.png"]


def test_a_file_named_like_a_pattern_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, "[ab].png", "a.png")
    monkeypatch.chdir(tmp_path)
    assert [source.path.name for source in find_sources(["[ab].png"], recursive=False)] == ["[ab].png"]


def test_each_picture_comes_once(tmp_path: Path) -> None:
    make(tmp_path, "a.png", "b.png")
    arguments = [str(tmp_path), str(tmp_path / "a.png"), str(tmp_path / "*.png")]
    assert [source.relative.name for source in find_sources(arguments, recursive=False)] == ["a.png", "b.png"]


@pytest.mark.parametrize("argument", ["missing.png", "*.png", "missing/"])
def test_what_is_not_there_stops_the_run(tmp_path: Path, argument: str) -> None:
    make(tmp_path, "a.txt")
    with pytest.raises(UsageError):
        find_sources([str(tmp_path / "a.txt"), str(tmp_path / argument)], recursive=False)


def test_a_folder_without_images_is_a_problem(tmp_path: Path) -> None:
    make(tmp_path, "notes.txt", "sub/a.png")
    (source,) = find_sources([str(tmp_path)], recursive=False)
    assert source.problem is not None
    assert (source.problem.name, source.problem.hint) == ("no-images", "add --recursive to look into its folders")


def test_a_tree_deeper_than_the_recursion_limit_is_walked(tmp_path: Path) -> None:
    deepest = tmp_path
    for _ in range(300):
        deepest = deepest / "d"
    deepest.mkdir(parents=True)
    make(deepest, "a.png")
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(200)
    try:
        assert found(tmp_path, recursive=True) == [f"{'d/' * 300}a.png"]
    finally:
        sys.setrecursionlimit(limit)


def test_a_dash_is_standard_input(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, photo: Callable[..., Path]) -> None:
    data = photo(tmp_path / "a.png", size=(3, 2)).read_bytes()
    (source,) = find_sources(["-"], recursive=False)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
    picture = read_now(source).picture
    assert picture is not None
    assert picture.pixels.shape == (2, 3, 3)


def test_nothing_on_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
    problem = read_now(Source(Path("-"), Path("stdin"))).problem
    assert problem is not None
    assert "standard input" in problem.message


def test_a_file_read_early_is_a_picture_or_a_problem(tmp_path: Path, photo: Callable[..., Path]) -> None:
    good, missing = photo(tmp_path / "a.png"), tmp_path / "missing.png"
    assert read_now(Source(good, Path("a.png"))).picture is not None
    assert read_now(Source(missing, Path("missing.png"))).problem is not None
