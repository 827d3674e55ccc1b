"""Outputs are what was asked for, and whole or not there."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pipeline.inverting import InvertingBackend

from ugatit_cli import images
from ugatit_cli.errors import OutputError, ResourceError
from ugatit_cli.framing import Framing
from ugatit_cli.pipeline.destination import OutputOptions
from ugatit_cli.pipeline.journal import Journal
from ugatit_cli.pipeline.outcomes import Failure, Outcome, Written
from ugatit_cli.pipeline.pending import Choices
from ugatit_cli.pipeline.pictures import Translator, run_jobs
from ugatit_cli.pipeline.plan import Job, make_plan
from ugatit_cli.pipeline.settings import Settings
from ugatit_cli.pipeline.writing import Writer

Photo = Callable[..., Path]
Plan = Callable[..., list[Job]]


def run(jobs: list[Job], *, keep_existing: bool = False, **choices: Any) -> list[Outcome]:
    values = {"direction": None, "size": None, "fit": "keep", "output_size": "source", "quality": 95, **choices}
    settings = Settings(**values)
    framing = Framing(settings.fit, 32, True)
    translator = Translator(
        InvertingBackend(), framing, Choices("refuse", "m", "s").origin, heatmap=True, keep_source=True
    )
    journals = {job.root: Journal(job.root) for job in jobs if job.root}
    return list(run_jobs(jobs, translator, Writer(settings, journals, keep_existing=keep_existing)))


def opened(path: Path) -> Image.Image:
    with Image.open(path) as image:
        image.load()
        return image


@pytest.mark.parametrize(
    ("fit", "output_size", "expected"),
    [
        ("keep", "source", (100, 50)),
        ("keep", "model", (64, 32)),
        ("stretch", "source", (100, 50)),
        ("stretch", "model", (32, 32)),
        ("crop", "source", (50, 50)),
        ("crop", "model", (32, 32)),
        ("pad", "source", (100, 50)),
        ("pad", "model", (32, 16)),
    ],
)
def test_sizes_of_the_result_and_what_lies_beside_it(
    fit: str, output_size: str, expected: tuple[int, int], tmp_path: Path, photo: Photo, planned: Plan
) -> None:
    photo(tmp_path / "in" / "a.png", size=(100, 50), colour=(200, 100, 50, 128))
    run(planned("heatmap", "compare"), fit=fit, output_size=output_size)
    width, height = expected
    assert opened(tmp_path / "out" / "a.png").size == expected
    assert opened(tmp_path / "out" / "a.heatmap.png").size == expected
    assert opened(tmp_path / "out" / "a.compare.png").size == (2 * width, height)


def test_transparency_comes_back(tmp_path: Path, photo: Photo, planned: Plan) -> None:
    photo(tmp_path / "in" / "a.png", colour=(200, 100, 50, 128))
    run(planned())
    result = np.asarray(opened(tmp_path / "out" / "a.png"))
    assert result.shape == (32, 32, 4)
    assert (result[..., 3] == 128).all()


@pytest.mark.parametrize("format", ["png", "jpg"])
def test_half_transparent_pixels_look_on_white_as_they_were_translated(
    format: str, tmp_path: Path, photo: Photo
) -> None:
    source = photo(tmp_path / "a.png", colour=(0, 20, 0, 200))  # on white (55, 71, 55)
    run(make_plan([str(source)], OutputOptions(None, format, "toon"), recursive=False))
    shown = images.read(tmp_path / f"a.toon.{format}").pixels.astype(int)
    assert np.abs(shown - (200, 184, 200)).max() <= 2


def test_a_comparison_has_the_source_on_the_left(tmp_path: Path, photo: Photo, planned: Plan) -> None:
    photo(tmp_path / "in" / "a.png", colour=(200, 100, 50))
    run(planned("compare"))
    both = np.asarray(opened(tmp_path / "out" / "a.compare.png"))
    assert both[0, 0].tolist() == [200, 100, 50]
    assert both[0, -1].tolist() == [55, 155, 205]


@pytest.mark.parametrize("fit", ["keep", "pad"])
def test_the_heat_map_lies_over_the_right_part_of_the_source(fit: str, tmp_path: Path, planned: Plan) -> None:
    pixels = np.zeros((32, 128, 3), np.uint8)
    pixels[:, :64, 1] = 255  # what the backend looks at: green, on the left
    (tmp_path / "in").mkdir()
    Image.fromarray(pixels).save(tmp_path / "in" / "a.png")
    run(planned("heatmap"), fit=fit)
    overlay = np.asarray(opened(tmp_path / "out" / "a.heatmap.png")).astype(int)
    left, right = overlay[16, 16], overlay[16, 112]
    assert left[0] > 60 > left[2], "red where it looked"
    assert right[2] > 60 > right[0], "blue where it did not"


@pytest.mark.parametrize(
    ("format", "kind"), [("png", "PNG"), ("jpg", "JPEG"), ("webp", "WEBP"), ("avif", "AVIF"), ("bmp", "BMP")]
)
def test_formats(format: str, kind: str, tmp_path: Path, photo: Photo) -> None:
    source = photo(tmp_path / "a.png")
    run(make_plan([str(source)], OutputOptions(None, format, "toon"), recursive=False))
    assert opened(tmp_path / f"a.toon.{format}").format == kind


def test_standard_output_gets_the_bytes(tmp_path: Path, photo: Photo) -> None:
    source = photo(tmp_path / "a.png")
    (outcome,) = run(make_plan([str(source)], OutputOptions("-", "webp", "toon"), recursive=False))
    assert isinstance(outcome, Written)
    assert (outcome.data or b"")[8:12] == b"WEBP"
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


@pytest.mark.parametrize("keep_existing", [False, True])
def test_what_appears_meanwhile_is_left_alone(keep_existing: bool, tmp_path: Path, photo: Photo, planned: Plan) -> None:
    photo(tmp_path / "in" / "a.png")
    jobs = planned()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a.png").write_bytes(b"somebody else's")
    (outcome,) = run(jobs, keep_existing=keep_existing)
    assert (tmp_path / "out" / "a.png").read_bytes() == b"somebody else's"
    assert isinstance(outcome, Written if keep_existing else Failure)


def test_a_name_that_the_disk_cannot_hold_fails_alone(tmp_path: Path, photo: Photo) -> None:
    sources = [str(photo(tmp_path / ("x" * 251 + ".png"))), str(photo(tmp_path / "a.png"))]
    outcomes = run(make_plan(sources, OutputOptions(None, None, "toon"), recursive=False))
    assert [type(outcome) for outcome in outcomes] == [Failure, Written]


def test_a_picture_that_the_format_cannot_hold_fails_alone(tmp_path: Path, photo: Photo) -> None:
    sources = [str(photo(tmp_path / "wide.png", size=(17000, 1))), str(photo(tmp_path / "a.png"))]
    outcomes = run(make_plan(sources, OutputOptions(None, "webp", "toon"), recursive=False))
    assert [type(outcome) for outcome in outcomes] == [Failure, Written]
    assert isinstance(outcomes[0], Failure)
    assert "cannot write the translation of" in outcomes[0].error.message
    assert outcomes[0].error.hint == "choose png"


def test_a_comparison_may_be_wider_than_what_is_read(tmp_path: Path, photo: Photo, planned: Plan) -> None:
    for name, width in (("a.png", 33_000), ("b.png", 32)):
        photo(tmp_path / "in" / name, size=(width, 1))
    outcomes = run(planned("compare"), fit="stretch")
    assert [type(outcome) for outcome in outcomes] == [Written, Written]
    assert opened(tmp_path / "out" / "a.compare.png").size == (66_000, 1)


@pytest.mark.parametrize("format", ["jpg", "avif"])
def test_a_comparison_that_the_format_cannot_hold_fails_alone(format: str, tmp_path: Path, photo: Photo) -> None:
    sources = [str(photo(tmp_path / "wide.png", size=(32_768, 1))), str(photo(tmp_path / "a.png"))]
    options = OutputOptions(str(tmp_path / "out"), format, "toon", ("compare",))
    wide, other = run(make_plan(sources, options, recursive=False), fit="stretch")
    assert isinstance(wide, Failure) and isinstance(other, Written)
    assert (wide.error.name, wide.error.hint) == ("format-limit", "leave --compare out, or take another --format")
    assert f"cannot write the comparison of {sources[0]}: a picture of 65536 x 1" in wide.error.message


@pytest.mark.parametrize("call", range(1, 12))
def test_a_full_disk_stops_the_run_and_leaves_every_file_whole(
    call: int, tmp_path: Path, photo: Photo, planned: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.png", "b.png", "c.png"):
        photo(tmp_path / "in" / name)
    jobs, fsync, calls = planned(), os.fsync, 0

    def full(descriptor: int) -> None:
        nonlocal calls
        calls += 1
        if calls == call:
            raise OSError(errno.ENOSPC, "No space left on device")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    if call <= 9:  # three times the file, the journal, the folder
        with pytest.raises(ResourceError):
            run(jobs)
    else:
        run(jobs)
    monkeypatch.undo()
    for path in (tmp_path / "out").glob("*.png"):
        assert np.asarray(opened(path))[0, 0].tolist() == [55, 155, 205]
    assert list((tmp_path / "out").glob("*-part")) == []


def test_a_folder_that_cannot_be_written_stops_the_run(
    tmp_path: Path, photo: Photo, planned: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.png", "b.png"):
        photo(tmp_path / "in" / name)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(OutputError):
        run(planned())
