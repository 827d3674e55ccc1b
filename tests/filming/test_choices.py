"""What the options make of a film."""

from __future__ import annotations

import os
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from films import Film, packets_of, picture, pictures_of, times_of
from PIL import Image

from ugatit_cli import images
from ugatit_cli.errors import UsageError
from ugatit_cli.files import sha256_of
from ugatit_cli.filming.plan import is_in_the_way
from ugatit_cli.pipeline import Written
from ugatit_cli.pipeline.journal import Journal, Origin, Record

Invert = Callable[..., Written]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return Film(frames=30, audio=(("aac", "deu"),)).make(tmp_path / "a.mp4")


def test_a_stretch(invert: Invert, source: Path, tmp_path: Path) -> None:
    invert(source, tmp_path / "b.mp4", start=Fraction(1, 3), end=Fraction(2, 3))
    whole, part = pictures_of(source), pictures_of(tmp_path / "b.mp4")
    assert times_of(tmp_path / "b.mp4") == [Fraction(number, 30) for number in range(10)]
    assert np.abs(255 - whole[10].astype(int) - part[0]).mean() < 4
    (before,), (after,) = packets_of(source, "audio"), packets_of(tmp_path / "b.mp4", "audio")
    assert after == before[before.index(after[0]) :][: len(after)]
    assert 14 <= len(after) <= 18  # packets of 1024 samples


@pytest.mark.parametrize(("rate", "count"), [(15, 15), (60, 60), (25, 25)])
def test_another_rate(invert: Invert, source: Path, tmp_path: Path, rate: int, count: int) -> None:
    invert(source, tmp_path / "b.mp4", fps=Fraction(rate))
    assert times_of(tmp_path / "b.mp4") == [Fraction(number, rate) for number in range(count)]


def test_a_rate_and_a_stretch(invert: Invert, source: Path, tmp_path: Path) -> None:
    invert(source, tmp_path / "b.mp4", fps=Fraction(10), start=Fraction(1, 2))
    assert len(times_of(tmp_path / "b.mp4")) == 5
    assert np.abs(255 - pictures_of(source)[15].astype(int) - pictures_of(tmp_path / "b.mp4")[0]).mean() < 4


@pytest.mark.parametrize("rate", [10, 15])
def test_sound_stays_in_step_with_few_frames_a_second(invert: Invert, source: Path, tmp_path: Path, rate: int) -> None:
    start = Fraction(11, 20)
    invert(source, tmp_path / "b.mp4", fps=Fraction(rate), start=start, end=Fraction(9, 10))
    first = -(-start * rate // 1)
    assert times_of(tmp_path / "b.mp4")[0] == pytest.approx(float(first / rate - start), abs=1e-4)
    (before,), (after,) = packets_of(source, "audio"), packets_of(tmp_path / "b.mp4", "audio")
    with av.open(str(tmp_path / "b.mp4")) as film:
        sound = film.streams.audio[0]
        (shown, *_) = (packet.pts for packet in film.demux(sound) if packet.pts is not None)
    begun = Fraction(1024 * (before.index(after[0]) - 1), 48_000)  # the first packet only warms the decoder up
    assert float(shown * Fraction(sound.time_base or 1)) == pytest.approx(float(begun - start), abs=1e-3)


@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv"])
def test_the_last_frame_stays_as_long_as_it_did(invert: Invert, tmp_path: Path, suffix: str) -> None:
    frames = [Image.fromarray(picture(number, (64, 48))) for number in range(15)]
    lasting = [40, 70, 100, 30, 250] * 3
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:], duration=lasting)
    invert(tmp_path / "a.gif", tmp_path / f"b.{suffix}")
    with av.open(str(tmp_path / f"b.{suffix}")) as film:
        assert film.duration == 1000 * sum(lasting)


def test_a_stretch_ends_the_last_frame(invert: Invert, tmp_path: Path) -> None:
    frames = [Image.fromarray(picture(number, (64, 48))) for number in range(4)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:], duration=[100, 200, 300, 400])
    invert(tmp_path / "a.gif", tmp_path / "b.mkv", end=Fraction(9, 20))
    with av.open(str(tmp_path / "b.mkv")) as film:
        assert film.duration == 450_000


def test_extra_films(invert: Invert, source: Path, tmp_path: Path) -> None:
    written = invert(source, tmp_path / "b.mp4", extras=("heatmap", "compare"))
    assert [path.name for path in written.files.values()] == ["b.heatmap.mp4", "b.compare.mp4", "b.mp4"]
    shapes = [pictures_of(path)[0].shape for path in written.files.values()]
    assert shapes == [(48, 64, 3), (48, 128, 3), (48, 64, 3)]
    both = pictures_of(tmp_path / "b.compare.mp4")[3].astype(int)
    assert np.abs(255 - both[:, :64] - both[:, 64:]).mean() < 4
    assert len({len(times_of(path)) for path in written.files.values()}) == 1


def test_no_sound_and_other_sizes(invert: Invert, source: Path, tmp_path: Path) -> None:
    invert(source, tmp_path / "b.mp4", sound=False, output_size="model", fit="crop")
    assert pictures_of(tmp_path / "b.mp4")[0].shape == (64, 64, 3)
    assert packets_of(tmp_path / "b.mp4", "audio") == []


@pytest.mark.parametrize(("codec", "name"), [("hevc", "hevc"), ("vp9", "vp9"), ("av1", "libdav1d")])
def test_codecs(invert: Invert, source: Path, tmp_path: Path, codec: str, name: str) -> None:
    invert(source, tmp_path / "b.mkv", codec=codec, crf=20)
    with av.open(str(tmp_path / "b.mkv")) as film:
        assert film.streams.video[0].codec_context.name == name
    assert len(pictures_of(tmp_path / "b.mkv")) == 30


@pytest.mark.parametrize(("suffix", "tag"), [("mp4", "hvc1"), ("mov", "hvc1"), ("mkv", "")])
def test_hevc_is_called_what_every_player_of_quicktime_knows(
    invert: Invert, source: Path, tmp_path: Path, suffix: str, tag: str
) -> None:
    invert(source, tmp_path / f"b.{suffix}", codec="hevc")
    with av.open(str(tmp_path / f"b.{suffix}")) as film:
        assert film.streams.video[0].codec_context.codec_tag.strip("\0 ") == tag
    assert len(pictures_of(tmp_path / f"b.{suffix}")) == 30


def test_a_size_that_the_encoder_does_not_take(invert: Invert, tmp_path: Path) -> None:
    source = Film(size=(8, 8)).make(tmp_path / "a.mp4")
    with pytest.raises(UsageError, match="libx265 cannot write pictures of 8 x 8") as refused:
        invert(source, tmp_path / "b.mp4", codec="hevc")
    assert (refused.value.name, refused.value.hint) == ("codec", "choose another --codec")
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]
    invert(source, tmp_path / "b.mp4")
    assert len(times_of(tmp_path / "b.mp4")) == 12


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("is_link", [False, True])
def test_a_file_where_a_folder_of_frames_would_be(
    invert: Invert, source: Path, tmp_path: Path, overwrite: bool, is_link: bool
) -> None:
    target = tmp_path / "plain"
    if is_link:
        target.symlink_to("nowhere")
    else:
        target.write_text("mine")
    with pytest.raises(UsageError, match="plain: there is a file of that name") as refused:
        invert(source, target, overwrite=overwrite)
    assert refused.value.name == "output-is-file"
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_symlink() or path.exists()) == ["a.mp4", "plain"]


def test_a_second_track_of_pictures_is_left_out_with_a_word(invert: Invert, tmp_path: Path) -> None:
    one = Film(frames=5).make(tmp_path / "one.mkv")
    with av.open(str(one)) as film, av.open(str(tmp_path / "two.mkv"), "w") as out:
        tracks = [out.add_stream_from_template(film.streams.video[0]) for _ in "ab"]
        for packet in film.demux(film.streams.video[0]):
            for track in tracks if packet.dts is not None else []:
                copy: av.Packet[Any] = av.Packet(bytes(packet))
                copy.pts, copy.dts, copy.time_base = packet.pts, packet.dts, packet.time_base
                copy.is_keyframe, copy.stream = packet.is_keyframe, track
                out.mux(copy)
    assert invert(tmp_path / "two.mkv", tmp_path / "b.mkv").notes == (
        "its track 1 (h264 pictures) is left out: only one is translated",
    )


def test_a_cover_is_left_out_with_a_word(invert: Invert, tmp_path: Path) -> None:
    with av.open(str(tmp_path / "a.mp4"), "w") as out:
        for codec, form in (("libx264", "yuv420p"), ("mjpeg", "yuvj420p")):
            stream: Any = out.add_stream(codec, rate=30)
            stream.width, stream.height, stream.pix_fmt = 64, 48, form
            if codec == "mjpeg":
                stream.disposition = av.stream.Disposition.attached_pic
        for stream, count in zip(out.streams.video, (5, 1), strict=True):
            for number in range(count):
                out.mux(stream.encode(av.VideoFrame.from_ndarray(np.full((48, 64, 3), 40 * number, np.uint8))))
            out.mux(stream.encode(None))
    assert invert(tmp_path / "a.mp4", tmp_path / "b.mp4").notes == (
        "its track 1 (mjpeg pictures) is left out: only one is translated",
    )
    assert len(pictures_of(tmp_path / "b.mp4")) == 5


def test_sound_that_the_container_cannot_hold_is_written_anew(invert: Invert, source: Path, tmp_path: Path) -> None:
    written = invert(source, tmp_path / "b.webm")
    assert written.notes == ("its track 1 (aac sound) becomes libopus: webm cannot hold it as it is",)
    with av.open(str(tmp_path / "b.webm")) as film:
        (sound,) = film.streams.audio
        assert (sound.codec_context.name, sound.language) == ("opus", "deu")
        seconds = sum(frame.samples for frame in film.decode(sound)) / 48_000
    assert seconds == pytest.approx(1, abs=0.05)


def test_frames_too_short_for_a_gif_give_way_so_that_it_is_not_slower(invert: Invert, tmp_path: Path) -> None:
    source = Film(frames=61, times=[750 * number for number in range(61)]).make(tmp_path / "a.mp4")
    invert(source, tmp_path / "b.gif", end=Fraction(1, 2))
    with Image.open(tmp_path / "b.gif") as image:
        lasting = []
        for number in range(getattr(image, "n_frames", 1)):
            image.seek(number)
            lasting.append(image.info["duration"])
    assert sum(lasting) == 500
    assert min(lasting) == 10
    invert(source, tmp_path / "c.gif", end=Fraction(1, 240))
    assert len(pictures_of(tmp_path / "c.gif")) == 1, "one that is too short stays if it is the only one"


def test_an_animated_png_lasts_as_long_as_its_film(invert: Invert, tmp_path: Path) -> None:
    invert(Film(frames=60).make(tmp_path / "a.mp4"), tmp_path / "b.png")
    invert(tmp_path / "b.png", tmp_path / "c.mp4")
    assert times_of(tmp_path / "c.mp4") == [Fraction(round(Fraction(1000 * number, 30)), 1000) for number in range(60)]
    with av.open(str(tmp_path / "c.mp4")) as film:
        assert film.duration == pytest.approx(2_000_000, abs=1000)  # microseconds


def test_what_only_holds_pictures_says_what_it_leaves_out(invert: Invert, tmp_path: Path) -> None:
    source = Film(audio=(("aac", "deu"),), tags={"title": "Us"}, chapters=True, subtitle="subrip").make(
        tmp_path / "a.mkv"
    )
    assert invert(source, tmp_path / "b.gif").notes == (
        "gif holds pictures only: what is left out is its sound, subtitles, chapters, tags",
    )
    assert invert(source, tmp_path / "b", sound=False).notes == (
        "a folder holds pictures only: what is left out is its subtitles, chapters, tags",
    )
    assert invert(Film().make(tmp_path / "c.mp4"), tmp_path / "c.gif").notes == ()


def test_transparency_that_becomes_white_is_told(invert: Invert, tmp_path: Path) -> None:
    clear = [Image.new("RGBA", (64, 48), (20 * number, 0, 0, 100)) for number in range(3)]
    clear[0].save(tmp_path / "a.webp", save_all=True, append_images=clear[1:])
    assert invert(tmp_path / "a.webp", tmp_path / "b.mp4").notes == (
        "its transparency is not kept in .mp4 files: it is translated as if it lay on white",
    )
    assert invert(tmp_path / "a.webp", tmp_path / "c.webp").notes == ()


@pytest.mark.parametrize("suffix", ["webp", "png"])
def test_half_transparent_frames_look_on_white_as_they_were_translated(
    invert: Invert, tmp_path: Path, suffix: str
) -> None:
    dark = [Image.new("RGBA", (64, 48), (10 * number, 0, 0, 200)) for number in range(3)]
    dark[0].save(tmp_path / "a.webp", save_all=True, append_images=dark[1:], lossless=True)
    invert(tmp_path / "a.webp", tmp_path / f"b.{suffix}")
    shown = images.read(tmp_path / f"b.{suffix}").pixels.astype(int)
    assert np.abs(shown - 200).max() <= 3  # on white the first is 55


@pytest.mark.parametrize(("suffix", "codec"), [("mp4", "mov_text"), ("mkv", "srt"), ("webm", "webvtt")])
def test_subtitles(invert: Invert, tmp_path: Path, suffix: str, codec: str) -> None:
    source = Film(frames=30, subtitle="subrip").make(tmp_path / "a.mkv")
    invert(source, tmp_path / f"b.{suffix}")
    with av.open(str(tmp_path / f"b.{suffix}")) as film:
        (words,) = film.streams.subtitles
        assert words.codec_context.name == codec
        said = [(packet.pts, bytes(packet)[-3:]) for packet in film.demux(words) if packet.size > 2]
    assert said == [(0, b"one"), (100, b"two")]


@pytest.mark.parametrize(("language", "there"), [("deu", "ger"), ("zho", "chi"), ("eng", "eng"), ("fre", "fra")])
def test_languages_in_quicktime(invert: Invert, tmp_path: Path, language: str, there: str) -> None:
    invert(Film(audio=(("aac", language),)).make(tmp_path / "a.mkv"), tmp_path / "b.mov")
    with av.open(str(tmp_path / "b.mov")) as film:
        assert film.streams.audio[0].language == there


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_pauses_between_the_subtitles_of_an_mp4(invert: Invert, tmp_path: Path, suffix: str) -> None:
    invert(Film(frames=30, subtitle="subrip").make(tmp_path / "a.mkv"), tmp_path / "b.mp4")
    invert(tmp_path / "b.mp4", tmp_path / f"c.{suffix}")
    (before,), (after,) = packets_of(tmp_path / "b.mp4", "subtitle"), packets_of(tmp_path / f"c.{suffix}", "subtitle")
    assert [text[-3:] for text in after if len(text) > 2] == [b"one", b"two"]
    assert len(after) == {"mp4": len(before), "mkv": 2}[suffix]


def test_subtitles_and_chapters_are_cut_to_the_stretch(invert: Invert, tmp_path: Path) -> None:
    source = Film(frames=30, subtitle="subrip", chapters=True).make(tmp_path / "a.mkv")
    invert(source, tmp_path / "b.mkv", start=Fraction(1, 20), end=Fraction(3, 20))
    with av.open(str(tmp_path / "b.mkv")) as film:
        said = [(each.pts, each.duration) for each in film.demux(film.streams.subtitles[0]) if each.size]
        assert said == [(0, 40), (50, 50)]
        assert [(each["start"], each["end"]) for each in film.chapters()] == [(0, 100_000_000)]
    assert times_of(tmp_path / "b.mkv")[0] == Fraction(67 - 50, 1000)


def test_a_folder_of_frames_there_and_back(invert: Invert, source: Path, tmp_path: Path) -> None:
    invert(source, tmp_path / "frames")
    names = sorted(path.name for path in (tmp_path / "frames").iterdir())
    assert (len(names), names[0], names[-1]) == (30, "000001.png", "000030.png")
    with Image.open(tmp_path / "frames" / "000004.png") as image:
        assert np.abs(255 - pictures_of(source)[3].astype(int) - np.asarray(image)).mean() < 3
    invert(tmp_path / "frames", tmp_path / "b.mp4", fps=Fraction(10))
    assert times_of(tmp_path / "b.mp4") == [Fraction(number, 10) for number in range(30)]


def test_a_folder_that_is_overwritten_holds_no_frames_of_before(invert: Invert, source: Path, tmp_path: Path) -> None:
    invert(source, tmp_path / "frames")
    for other in ("cover-0099.png", "20240512.png", ".0123456789ab.ugatit-part"):
        (tmp_path / "frames" / other).touch()
    invert(source, tmp_path / "frames", end=Fraction(1, 10), overwrite=True)
    names = sorted(path.name for path in (tmp_path / "frames").iterdir())
    assert names == ["000001.png", "000002.png", "000003.png", "20240512.png", "cover-0099.png"]


@pytest.mark.parametrize("name", ["frames/b.mp4", "frames/more", "frames/deep/b.gif"])
def test_no_output_lies_inside_the_frames_it_comes_from(invert: Invert, tmp_path: Path, name: str) -> None:
    (tmp_path / "frames").mkdir()
    Image.new("RGB", (64, 48)).save(tmp_path / "frames" / "1.png")
    with pytest.raises(UsageError, match="would lie inside the input"):
        invert(tmp_path / "frames", tmp_path / name)
    assert [path.name for path in (tmp_path / "frames").iterdir()] == ["1.png"]


@pytest.mark.parametrize(
    ("name", "choices", "words"),
    [
        ("b.avi", {}, "cannot write .avi files"),
        ("b.webm", {"codec": "h264"}, ".webm files cannot hold h264"),
        ("b.gif", {"crf": 20}, "--crf is for video files"),
        ("b.mp4", {"crf": 60}, "--crf 60 is too much for libx264"),
        ("b.mp4", {"preset": "p4"}, "libx264 has no preset p4"),
        ("a.mp4", {}, "input and output are the same file"),
        ("c.mp4", {}, "c.mp4 would be overwritten"),
        ("d.mp4", {}, "there is a folder of that name"),
    ],
)
def test_contradictions(
    invert: Invert, source: Path, tmp_path: Path, name: str, choices: dict[str, str], words: str
) -> None:
    (tmp_path / "c.mp4").touch()
    (tmp_path / "d.mp4").mkdir()
    with pytest.raises(UsageError, match=words.replace(".", r"\.")):
        invert(source, tmp_path / name, **choices)
    assert {path.name for path in tmp_path.iterdir()} == {"a.mp4", "c.mp4", "d.mp4"}


def test_a_film_of_an_earlier_record_is_not_in_the_way(tmp_path: Path) -> None:
    """A kill between the last record and the name leaves the film that the one before it describes."""
    film, work = tmp_path / "a.mp4", tmp_path / "work"
    work.mkdir()
    film.write_bytes(b"made before")
    journal, origin = Journal(work), Origin(1, 2, "a" * 64, "b" * 64)
    assert is_in_the_way(film, work)
    for digest in (sha256_of(film), "d" * 64):
        journal.add(work / film.name, Record(origin, digest))
    assert not is_in_the_way(film, work)
    film.write_bytes(b"somebody's")
    assert is_in_the_way(film, work)


@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv"])
def test_a_film_lasts_until_its_last_frame_however_late_that_is(invert: Invert, tmp_path: Path, suffix: str) -> None:
    times = [*(3000 * number for number in range(60)), 60 * 90_000]
    invert(Film(frames=61, times=times).make(tmp_path / "a.mp4"), tmp_path / f"b.{suffix}")
    with av.open(str(tmp_path / f"b.{suffix}")) as film:
        assert film.duration is not None and film.duration >= 60_000_000
    assert len(shown := times_of(tmp_path / f"b.{suffix}")) == 61 and shown[-1] == 60


@pytest.mark.parametrize(("name", "plays"), [("a.gif", 65_535), ("a.png", 100_000)])
@pytest.mark.parametrize("suffix", ["gif", "webp", "apng"])
def test_what_is_shown_more_often_than_can_be_written_is_shown_for_ever(
    invert: Invert, tmp_path: Path, name: str, plays: int, suffix: str
) -> None:
    frames = [Image.fromarray(picture(number, (64, 48))) for number in range(3)]
    frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:], duration=100, loop=plays)
    invert(tmp_path / name, tmp_path / f"b.{suffix}")
    with Image.open(tmp_path / f"b.{suffix}") as made:
        assert made.info["loop"] == (plays + (name == "a.gif") if suffix == "apng" else 0)
        assert getattr(made, "n_frames", 1) == 3


@pytest.mark.parametrize(("source_name", "out"), [("a" * 245 + ".mp4", None), ("a.mp4", "b" * 252 + ".mp4")])
def test_a_name_that_is_too_long(invert: Invert, tmp_path: Path, source_name: str, out: str | None) -> None:
    source = Film().make(tmp_path / source_name)
    with pytest.raises(UsageError, match="the name is too long") as refused:
        invert(source, None if out is None else tmp_path / out)
    assert refused.value.hint == "name a shorter output"
    assert [path.name for path in tmp_path.iterdir()] == [source_name]


@pytest.mark.parametrize("kind", ["broken link", "pipe"])
def test_what_is_no_film_is_in_the_way(invert: Invert, source: Path, tmp_path: Path, kind: str) -> None:
    target = tmp_path / "b.mp4"
    if kind == "pipe":
        os.mkfifo(target)
    else:
        target.symlink_to("nowhere")
    with pytest.raises(UsageError, match=r"b\.mp4 would be overwritten"):
        invert(source, target)


@pytest.mark.parametrize(
    ("folder", "given", "made"),
    [
        ("frames.2024", "../frames.2024", "frames-2024-inverted"),
        ("x", ".", "x-inverted"),
        (".x", "../.x", "x-inverted"),
    ],
)
def test_a_folder_of_frames_needs_no_output(
    invert: Invert, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str, given: str, made: str
) -> None:
    (tmp_path / folder).mkdir()
    Image.new("RGB", (64, 48)).save(tmp_path / folder / "1.png")
    monkeypatch.chdir(tmp_path / folder)
    invert(Path(given), None)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([folder, made])
    assert [path.name for path in (tmp_path / made).iterdir() if path.suffix == ".png"] == ["000001.png"]


def test_frames_into_the_folder_where_one_is(
    invert: Invert, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "frames").mkdir()
    monkeypatch.chdir(tmp_path / "frames")
    invert(source, Path("."), extras=("compare",))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mp4", "frames", "frames.compare"]
    assert len([path for path in Path(".").iterdir() if path.suffix == ".png"]) == 30
