"""The look at the data before the first step: what can be read, what is wrong with it, and what is left alone."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ugatit_cli import images
from ugatit_cli.errors import BadInputError, UsageError
from ugatit_cli.images import MAX_PIXELS, Picture
from ugatit_cli.training.survey import Survey, survey
from ugatit_cli.training.survey.duplicates import thumbnail


def photo(seed: int, width: int = 48, height: int = 40) -> Image.Image:
    """Broad shapes, as pictures have and noise has not."""
    coarse = np.random.default_rng(seed).integers(0, 256, (5, 6, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


def save(image: Image.Image, path: Path, **options: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, **options)
    return path


@cache
def encoded(seed: int) -> bytes:
    buffer = BytesIO()
    photo(seed).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def sets(tmp_path: Path) -> dict[str, Path]:
    """Two domains of 50 sound pictures each, with which nothing is wrong."""
    for name, first in (("a", 0), ("b", 100)):
        (tmp_path / name).mkdir()
        for number in range(50):
            (tmp_path / name / f"{number:02}.png").write_bytes(encoded(first + number))
    return {"a": tmp_path / "a", "b": tmp_path / "b"}


def the_finding(sets: dict[str, Path], pattern: str, size: int = 32) -> str:
    """The one sentence that matches; there must be no other at all."""
    (finding,) = survey(sets, size).findings
    assert re.search(pattern, finding), finding
    return finding


def test_sound_sets_are_not_warned_of(sets: dict[str, Path]) -> None:
    found = survey(sets, 32)
    assert found.findings == ()
    assert found.sets["a"].usable == sorted((sets["a"]).iterdir())
    assert found.sets["b"].unreadable == []


# ------------------------------------------------------------------------------------------------ what cannot be read


def test_a_damaged_picture_is_left_out_and_named(sets: dict[str, Path]) -> None:
    whole = sets["a"] / "07.png"
    whole.write_bytes(whole.read_bytes()[:-40])
    found = survey(sets, 32)
    assert len(found.sets["a"].usable) == 49 and whole not in found.sets["a"].usable
    ((path, reason),) = found.sets["a"].unreadable
    assert path == whole and "truncated" in reason and str(whole) not in reason
    few, skipped = sorted(found.findings)  # 49 are few
    assert skipped.startswith(
        f"skipped 1 of 50 pictures in {sets['a']}, damaged or unreadable: 07.png (it is truncated"
    )


def test_many_damaged_pictures_make_one_sentence(sets: dict[str, Path]) -> None:
    for number in range(5):
        (sets["b"] / f"x{number}.jpg").write_bytes(b"\xff\xd8\xff\xe0garbage")
    finding = the_finding(sets, "skipped 5 of 55 pictures in .*x0.jpg .*x2.jpg .* and 2 more$")
    assert "x3" not in finding


def test_what_only_looks_like_a_picture_is_named(sets: dict[str, Path]) -> None:
    (sets["a"] / "broken.png").symlink_to("nowhere")
    (sets["a"] / "phone.heic").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")
    save(photo(70).quantize(64), sets["a"] / "whole.gif")
    the_finding(sets, r"skipped 2 of 53 .*broken\.png \(it is a broken link.*phone\.heic \(it is a HEIC picture")


def test_a_picture_that_claims_too_much_is_too_large(sets: dict[str, Path]) -> None:
    side = int(MAX_PIXELS**0.5) + 1
    save(Image.new("1", (side, side)), sets["b"] / "bomb.png")
    the_finding(sets, r"skipped 1 of 51 .*too large to decode: bomb\.png \(.*pixels")


def test_nothing_readable_is_an_error(sets: dict[str, Path]) -> None:
    for path in sets["b"].iterdir():
        path.write_bytes(b"no picture")
    with pytest.raises(
        BadInputError, match=rf"none of the 50 pictures in {sets['b']} can be read: 00\.png: it is not an"
    ):
        survey(sets, 32)


def test_no_pictures_and_no_folder_are_errors(sets: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInputError, match="holds no images"):
        survey(sets | {"test_a": tmp_path / "empty"}, 32)
    with pytest.raises(UsageError, match="does not exist"):
        survey(sets | {"b": tmp_path / "missing"}, 32)


DECODE = images.decode


class Gauge:
    """Stands before the real decoder and remembers how many were at work in it at the same time."""

    def __init__(self) -> None:
        self.now = self.most = 0
        self.lock = threading.Lock()

    def decode(self, data: bytes, name: str) -> Picture:
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
        time.sleep(0.01)  # as long as another thread needs to get here
        picture = DECODE(data, name)
        with self.lock:
            self.now -= 1
        return picture


@pytest.mark.parametrize(("memory", "together"), [(1, 1), (1.9, 1), (2, 2), (100, 4)])
def test_no_more_is_decoded_at_once_than_memory_allows(
    memory: float, together: int, sets: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four threads, and memory for so many pictures of 48 x 40."""
    gauge = Gauge()
    monkeypatch.setattr("ugatit_cli.training.survey.reading.images.decode", gauge.decode)
    monkeypatch.setattr("ugatit_cli.training.survey.reading.DECODING_BYTES", int(memory * 12 * 48 * 40))
    monkeypatch.setattr("ugatit_cli.training.survey.THREADS", 4)
    assert survey(sets, 32).findings == ()
    assert gauge.most == together


def test_a_picture_larger_than_the_memory_set_aside_is_read_alone(
    sets: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ugatit_cli.training.survey.reading.DECODING_BYTES", 1)
    monkeypatch.setattr("ugatit_cli.training.survey.reading.SMALL_FILE", 3000)
    assert survey(sets, 32).findings == ()


# ------------------------------------------------------------------------------------------------ sizes and numbers


def test_pictures_smaller_than_the_training_size(sets: dict[str, Path]) -> None:
    save(photo(70, 60, 30), sets["a"] / "low.png")
    save(photo(71, 1, 1), sets["a"] / "dot.png")
    the_finding(sets, r"2 of 52 .*smaller than 32 .*upscaled.*dot\.png \(1 x 1\), low\.png \(60 x 30\); leave them out")


def test_a_whole_set_too_small_for_the_size_gets_a_size_that_fits(sets: dict[str, Path]) -> None:
    findings = survey(sets, 64).findings
    assert len(findings) == 2
    assert all("50 of 50" in finding and "--size 40" in finding for finding in findings)


def test_an_elongated_picture(sets: dict[str, Path]) -> None:
    save(photo(70, 101, 50), sets["a"] / "banner.png")
    save(photo(71, 100, 50), sets["a"] / "panorama.png")  # just twice as long is let through
    the_finding(sets, r"1 of 52 .*more than twice as long as wide.*banner\.png \(101 x 50\)")


def test_domains_of_unlike_shapes(sets: dict[str, Path]) -> None:
    for path in sets["b"].iterdir():
        with Image.open(path) as image:
            rotated = image.rotate(90, expand=True)
        rotated.save(path)
    the_finding(sets, r"1\.20 times as wide as high.* 0\.83 times.*crop them alike")


@pytest.mark.parametrize(
    ("count", "says"), [(1, "only 1 picture"), (2, r"very few pictures \(2\)"), (49, "very few"), (50, "")]
)
def test_few_pictures(count: int, says: str, sets: dict[str, Path]) -> None:
    for path in sorted(sets["b"].iterdir())[count:]:
        path.unlink()
    if says:
        assert "--preset few" in the_finding(sets, says)
    else:
        assert survey(sets, 32).findings == ()


def test_a_test_set_may_be_small(sets: dict[str, Path], tmp_path: Path) -> None:
    save(photo(200), tmp_path / "test" / "one.png")
    assert survey(sets | {"test_a": tmp_path / "test"}, 32).findings == ()


# -------------------------------------------------------------------------------------------------------- duplicates


COPIES: dict[str, Callable[[Path, Path], object]] = {
    "the file": shutil.copyfile,
    "another format": lambda path, copy: Image.open(path).save(copy, "BMP"),
    "other metadata": lambda path, copy: Image.open(path).save(copy, "PNG", dpi=(300, 300), compress_level=0),
    "twice the size": lambda path, copy: Image.open(path).resize((96, 80), Image.Resampling.BICUBIC).save(copy, "PNG"),
    "saved as JPEG": lambda path, copy: Image.open(path).save(copy, "JPEG", quality=95, subsampling=0),
}


@pytest.mark.parametrize("how", COPIES)
@pytest.mark.parametrize(
    ("where", "says"),
    [
        ("a", r"^1 of 51 pictures in \S+a repeat others there \(duplicates.*: copy\.png = 03\.png"),
        ("b", r"^1 of 51 pictures in \S+b also in \S+a \(duplicates.*: copy\.png = 03\.png; .*change nothing"),
        ("test_a", r"^1 of 2 pictures in \S+test also in \S+a \(duplicates.*: copy\.png = 03\.png; .*too good"),
    ],
)
def test_the_same_picture_twice(how: str, where: str, says: str, sets: dict[str, Path], tmp_path: Path) -> None:
    sets["test_a"] = save(photo(200), tmp_path / "test" / "other.png").parent
    COPIES[how](sets["a"] / "03.png", sets[where] / "copy.png")
    the_finding(sets, says)


def test_many_copies_are_counted_once_each(sets: dict[str, Path]) -> None:
    for number in range(20):
        shutil.copyfile(sets["a"] / "00.png", sets["a"] / f"again{number:02}.png")
    the_finding(sets, r"^20 of 70 .*again00\.png = 00\.png, again01\.png = 00\.png, again02\.png = 00\.png and 17 more")


def test_variants_of_one_drawing_are_no_duplicates(sets: dict[str, Path]) -> None:
    """A small patch as dark again as the picture: another mouth in the same face."""
    pixels = np.array(Image.open(sets["a"] / "03.png"))
    pixels[20:24, 20:26] = 255 - pixels[20:24, 20:26]
    save(Image.fromarray(pixels), sets["a"] / "variant.png")
    assert survey(sets, 32).findings == ()


def test_flat_pictures_are_the_same_only_when_equal(sets: dict[str, Path]) -> None:
    for level in range(100, 110):
        save(Image.new("RGB", (48, 40), (level,) * 3), sets["a"] / f"flat{level}.png")
    assert survey(sets, 32).findings == ()


def test_a_thumbnail_says_where_light_and_colour_are() -> None:
    pixels = np.zeros((64, 64, 3), np.uint8)
    pixels[:32, 32:] = (255, 0, 0)
    values = np.frombuffer(thumbnail(pixels), np.uint8)
    bright, colours = values[:256].reshape(16, 16), values[256:].reshape(4, 4, 3)
    assert bright[2, 12] == round(0.299 * 255) and bright[12, 12] == bright[2, 2] == 0
    assert colours[0, 3].tolist() == [255, 0, 0] and not colours[3].any()


@pytest.mark.parametrize("spelled", ["link", "same"])
def test_one_folder_for_both_domains(spelled: str, sets: dict[str, Path], tmp_path: Path) -> None:
    if spelled == "link":
        (tmp_path / "link").symlink_to(sets["a"])
    sets["b"] = tmp_path / "link" if spelled == "link" else sets["a"]
    the_finding(sets, "are the same folder: there is nothing to learn")


def test_two_folders_with_the_same_pictures(sets: dict[str, Path], tmp_path: Path) -> None:
    for number, path in enumerate(sorted(sets["a"].iterdir(), reverse=True)):
        save(Image.open(path), tmp_path / "copy" / f"{number:02}.bmp")
    the_finding(sets | {"b": tmp_path / "copy"}, "hold identical pictures: there is nothing to learn")


def test_testing_on_the_training_pictures(sets: dict[str, Path]) -> None:
    the_finding(sets | {"test_b": sets["b"]}, "same folder: the numbers measured on them will be too good")


def test_shared_sets_raise_no_false_alarm(shared: Path) -> None:
    """Emoji and cartoon heads are variants of one another; of 400 of them, none is taken for another."""
    data = shared / "data"
    chosen: list[Path] = []
    for folder in ("flat2fluent3d/trainA", "portrait2toon/trainB"):
        chosen += sorted((data / folder).iterdir())[:200]
    facts = survey_of(chosen)
    assert [finding for finding in facts.findings if "duplicates" in finding] == []


def survey_of(paths: list[Path]) -> Survey:
    """Every other path to A and to B."""
    with tempfile.TemporaryDirectory() as folder:
        for number, path in enumerate(paths):
            target = Path(folder) / "ab"[number % 2] / path.name
            target.parent.mkdir(exist_ok=True)
            target.symlink_to(path)
        return survey({"a": Path(folder) / "a", "b": Path(folder) / "b"}, 64)


# ------------------------------------------------------------------------------------------------ kept between runs


class Count:
    """A progress that counts."""

    def __init__(self) -> None:
        self.total = self.done = 0

    @contextmanager
    def __call__(self, total: int) -> Iterator[Callable[[], None]]:
        self.total = total
        yield self.advance

    def advance(self) -> None:
        self.done += 1


def test_every_picture_is_counted(sets: dict[str, Path]) -> None:
    (sets["a"] / "bad.png").write_bytes(b"")
    count = Count()
    survey(sets, 32, progress=count)
    assert (count.total, count.done) == (101, 101)


def test_a_survey_survives_as_text(sets: dict[str, Path]) -> None:
    (sets["a"] / "bad.png").write_bytes(b"")
    (sets["a"] / os.fsdecode(b"not-utf8-\xff.png")).write_bytes((sets["a"] / "00.png").read_bytes())
    found = survey(sets, 32)
    assert Survey.from_json(found.to_json()) == found


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"format": 1}', '{"format": 0, "sets": {}}', '{"format": 1, "sets": 3}']
)
def test_a_damaged_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Survey.from_json(text)


def test_what_is_known_is_not_read_again(sets: dict[str, Path]) -> None:
    first = survey(sets, 32)
    count = Count()
    assert survey(sets, 32, cached=Survey.from_json(first.to_json()), progress=count) == first
    assert count.total == 0


def test_changed_new_and_unreadable_files_are_read_again(sets: dict[str, Path]) -> None:
    bad = sets["a"] / "bad.png"
    bad.write_bytes(b"")
    first = survey(sets, 32)
    save(photo(300), sets["a"] / "new.png")
    status = (sets["b"] / "05.png").stat()
    os.utime(sets["b"] / "05.png", ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    (sets["b"] / "06.png").unlink()
    count = Count()
    again = survey(sets, 32, cached=first, progress=count)
    assert count.total == 3  # the new one, the touched one, the bad one
    assert replace(again, findings=()) == replace(survey(sets, 32), findings=())


def test_the_size_is_judged_anew(sets: dict[str, Path]) -> None:
    assert len(survey(sets, 64, cached=survey(sets, 32)).findings) == 2
