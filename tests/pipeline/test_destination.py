"""Where results go, for every way to say it."""

from __future__ import annotations

from pathlib import Path

import pytest

from ugatit_cli import images
from ugatit_cli.errors import UsageError
from ugatit_cli.pipeline.destination import FORMATS, OutputOptions, choose_destination
from ugatit_cli.pipeline.sources import Source, find_sources


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """photos/a.jpg, photos/sub/b.gif, more/a.jpg, x.png, archive.2024, out.png/ - and nothing else."""
    monkeypatch.chdir(tmp_path)
    for name in ("photos/a.jpg", "photos/sub/b.gif", "more/a.jpg", "x.png", "archive.2024"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(b"x")
    Path("out.png").mkdir()


def places(arguments: list[str], out: str | None = None, format: str | None = None) -> list[str]:
    destination = choose_destination(arguments, OutputOptions(out, format, "toon"))
    sources = find_sources(arguments, recursive=True, excluded=destination.roots)
    return [destination.place(source)[0].as_posix() for source in sources]


def test_the_formats_are_those_that_can_be_written() -> None:
    assert FORMATS == images.WRITABLE


@pytest.mark.parametrize(
    ("arguments", "out", "expected"),
    [
        (["x.png"], None, ["x.toon.png"]),
        (["photos/a.jpg", "x.png"], None, ["photos/a.toon.jpg", "x.toon.png"]),
        (["archive.2024"], None, ["archive.2024.toon.png"]),
        (["photos"], None, ["photos-toon/a.jpg", "photos-toon/sub/b.png"]),
        (["photos/"], None, ["photos-toon/a.jpg", "photos-toon/sub/b.png"]),
        (["photos", "more"], None, ["photos-toon/a.jpg", "photos-toon/sub/b.png", "more-toon/a.jpg"]),
        (["photos/*.jpg"], None, ["photos/a.toon.jpg"]),
        (["x.png"], "drawing.webp", ["drawing.webp"]),
        (["x.png"], "new/drawing.JPG", ["new/drawing.JPG"]),
        (["x.png"], "drawings", ["drawings/x.png"]),
        (["x.png"], "out.png", ["out.png/x.png"]),
        (["x.png"], "new.png/", ["new.png/x.png"]),
        (["x.png"], "v1.0", ["v1.0/x.png"]),
        (["photos"], "drawings", ["drawings/a.jpg", "drawings/sub/b.png"]),
        (["photos"], "photos/out", ["photos/out/a.jpg", "photos/out/sub/b.png"]),
        (["photos", "more"], "out", ["out/photos/a.jpg", "out/photos/sub/b.png", "out/more/a.jpg"]),
        (["photos", "x.png"], "out", ["out/photos/a.jpg", "out/photos/sub/b.png", "out/x.png"]),
        (["photos/**"], "out", ["out/a.jpg", "out/sub/b.png"]),
    ],
)
def test_places(arguments: list[str], out: str | None, expected: list[str]) -> None:
    assert places(arguments, out) == expected


@pytest.mark.parametrize(
    ("name", "format", "expected"),
    [
        ("a.jpg", None, "a.jpg"),
        ("a.JPEG", None, "a.JPEG"),
        ("a.b.c.tar.png", None, "a.b.c.tar.png"),
        ("a.gif", None, "a.png"),
        ("a.heic", None, "a.png"),
        ("a", None, "a.png"),
        ("a.xyz", None, "a.xyz.png"),
        ("end..png", None, "end..png"),
        ("a.jpg", "png", "a.png"),
        ("a.jpeg", "jpg", "a.jpeg"),
        ("a.png", "jpg", "a.jpg"),
        ("a", "webp", "a.webp"),
    ],
)
def test_the_ending_follows_the_input_and_the_format(name: str, format: str | None, expected: str) -> None:
    destination = choose_destination(["photos"], OutputOptions("out", format, "toon"))
    assert destination.place(Source(Path(name), Path(name)))[0].name == expected


@pytest.mark.parametrize(
    ("arguments", "out", "format", "name"),
    [
        (["photos"], "drawing.png", None, "output-one-file"),
        (["x.png", "photos/a.jpg"], "drawing.png", None, "output-one-file"),
        (["*.png"], "drawing.png", None, "output-one-file"),
        (["x.png"], "drawing.gif", None, "format-unknown"),
        (["x.png"], "drawing.png", "jpg", "format-contradiction"),
        (["-", "x.png"], "out", None, "input-mixed"),
        (["-"], "out", None, "output-nameless"),
        (["photos"], "-", None, "output-one-file"),
        (["/"], None, None, "output-nameless"),
    ],
)
def test_what_contradicts_itself_is_refused(
    arguments: list[str], out: str | None, format: str | None, name: str
) -> None:
    with pytest.raises(UsageError) as caught:
        choose_destination(arguments, OutputOptions(out, format, "toon"))
    assert caught.value.name == name


def test_this_folder_gets_a_twin_beside_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir("photos")
    assert places(["."]) == [(tmp_path / "photos-toon" / name).as_posix() for name in ("a.jpg", "sub/b.png")]


@pytest.mark.parametrize(("arguments", "out"), [(["-"], None), (["-"], "-"), (["x.png"], "-")])
def test_one_picture_can_go_to_standard_output(arguments: list[str], out: str | None) -> None:
    assert choose_destination(arguments, OutputOptions(out, None, "toon")).kind == "stream"
    with pytest.raises(UsageError, match="beside"):
        choose_destination(arguments, OutputOptions(out, None, "toon", ("compare",)))
