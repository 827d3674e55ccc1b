"""What lies beside the pictures: sound, subtitles and tags of every kind, and a clock that does not begin at zero."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest
from films import PICTURES, SOUND, Film, move, packets_of, stamp_anew, times_of

from ugatit_cli.errors import OutputError
from ugatit_cli.pipeline import Written

Invert = Callable[..., Written]


def sounding(path: Path, codec: str, layout: str = "stereo", **more: Any) -> Path:
    return Film(frames=30, audio=((codec, "eng"),), layout=layout, **more).make(path)


def seconds_heard(path: Path) -> float:
    with av.open(str(path)) as film:
        (sound,) = film.streams.audio
        return sum(frame.samples / frame.sample_rate for frame in film.decode(sound))


@pytest.mark.parametrize(
    ("name", "codec", "target", "becomes"),
    [
        ("a.avi", "pcm_s16le", "b.mp4", "aac"),
        ("a.mkv", "pcm_s24le", "b.mp4", "aac"),
        ("a.avi", "pcm_mulaw", "b.mp4", "aac"),
        ("a.avi", "adpcm_ms", "b.mov", "aac"),
        ("a.mkv", "alac", "b.mov", ""),
    ],
)
def test_sound_of_every_kind(invert: Invert, tmp_path: Path, name: str, codec: str, target: str, becomes: str) -> None:
    written = invert(sounding(tmp_path / name, codec), tmp_path / target)
    assert [f"becomes {becomes}:" in note for note in written.notes] == [True] * bool(becomes)
    assert seconds_heard(tmp_path / target) == pytest.approx(seconds_heard(tmp_path / name), abs=0.05)


def test_loudspeakers_that_the_encoder_does_not_know(invert: Invert, tmp_path: Path) -> None:
    invert(sounding(tmp_path / "a.mkv", "ac3", "5.1(side)"), tmp_path / "b.webm")
    with av.open(str(tmp_path / "b.webm")) as film:
        assert film.streams.audio[0].codec_context.layout.nb_channels == 6


def test_sound_with_more_samples_than_the_encoder_takes(invert: Invert, tmp_path: Path) -> None:
    invert(sounding(tmp_path / "a.mkv", "tta", sample_rate=192_000), tmp_path / "b.mp4")
    with av.open(str(tmp_path / "b.mp4")) as film:
        assert film.streams.audio[0].codec_context.sample_rate == 96_000
    assert seconds_heard(tmp_path / "b.mp4") == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("target", ["b.mp4", "b.mkv"])
def test_a_stretch_without_sound(invert: Invert, tmp_path: Path, target: str) -> None:
    source = Film(frames=30, audio=(("aac", "eng"),), times=[9000 * n for n in range(30)]).make(tmp_path / "a.mp4")
    assert invert(source, tmp_path / target, start=Fraction(2)).notes == (
        "nothing is heard of its track 1 (aac sound): none begins here, or none can be read",
    )
    assert len(times_of(tmp_path / target)) == 10


def test_quicktime_may_divide_sound_into_other_packets(invert: Invert, tmp_path: Path) -> None:
    source = sounding(tmp_path / "a.mkv", "pcm_s16le", samples=100)
    invert(source, tmp_path / "b.mov")
    (before,), (after,) = packets_of(source, "audio"), packets_of(tmp_path / "b.mov", "audio")
    assert b"".join(after) == b"".join(before)
    assert len(after) != len(before)


def test_an_error_at_the_end_names_the_film_and_what_to_do(
    invert: Invert, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "ugatit_cli.video.tracks._first_packet", lambda stream: None
    )  # a trial that finds out too little
    with pytest.raises(
        OutputError, match=r"cannot write .*b\.mp4: this kind of file cannot hold what goes into it"
    ) as error:
        invert(sounding(tmp_path / "a.avi", "pcm_s16le"), tmp_path / "b.mp4")
    assert error.value.hint == "choose an .mkv, or --no-audio"


def spans(path: Path) -> list[tuple[float, float]]:
    """(begin, end) of every stream, in seconds."""
    found = []
    with av.open(str(path)) as film:
        for stream in film.streams:
            film.seek(0)
            shown = [(begin, begin + duration) for begin, duration, _ in packets_with_times(film, stream)]
            found.append((shown[0][0], shown[-1][1]))
    return found


def packets_with_times(film: av.container.InputContainer, stream: Any) -> list[tuple[float, float, bytes]]:
    """(begin, duration, content) of every packet of a stream, in seconds."""
    return [
        (float((packet.pts or 0) * tick), float((packet.duration or 0) * tick), bytes(packet))
        for packet in film.demux(stream)
        for tick in [Fraction(packet.time_base or 1)]
        if packet.size
    ]


@pytest.mark.parametrize("target", ["b.mp4", "b.mkv", "b.webm"])
@pytest.mark.parametrize("layouts", [("stereo", "stereo", "stereo"), ("stereo", "mono", "stereo")])
def test_recordings_one_behind_the_other(invert: Invert, tmp_path: Path, target: str, layouts: tuple[str, ...]) -> None:
    layouts *= 2
    parts = [sounding(tmp_path / f"{n}.ts", "mp2", layout, samples=1152) for n, layout in enumerate(layouts)]
    (tmp_path / "a.ts").write_bytes(b"".join(part.read_bytes() for part in parts))
    written = invert(tmp_path / "a.ts", tmp_path / target)
    assert "its times begin again on the way: everything goes on where it was" in written.notes
    times = times_of(tmp_path / target)
    assert [float(time - times[0]) for time in times] == pytest.approx([n / 30 for n in range(180)], abs=2e-3)
    (_, seen), (_, heard) = spans(tmp_path / target)
    assert heard == pytest.approx(seen, abs=0.03), "although its sound is 8 ms longer than its pictures, each time"


def test_sound_that_repeats_a_time(invert: Invert, tmp_path: Path) -> None:
    source = sounding(tmp_path / "a.mp4", "aac")
    with av.open(str(source)) as film, av.open(str(tmp_path / "b.mkv"), "w") as out:
        streams = {each.index: out.add_stream_from_template(each) for each in film.streams}
        for number, packet in enumerate(film.demux()):
            if packet.pts is not None and packet.dts is not None:
                back = 1024 if packet.stream.type == "audio" and number > 40 and number % 5 == 0 else 0
                packet.pts, packet.dts, packet.stream = (
                    packet.pts - back,
                    packet.dts - back,
                    streams[packet.stream.index],
                )
                out.mux(packet)
    invert(tmp_path / "b.mkv", tmp_path / "c.mp4")
    assert packets_of(tmp_path / "c.mp4", "audio") == packets_of(tmp_path / "b.mkv", "audio")


@pytest.mark.parametrize("streams", [SOUND, PICTURES], ids=["sound", "pictures"])
@pytest.mark.parametrize("wrong", [1 << 18, -18_000, -3000], ids=["far ahead", "far back", "a little back"])
@pytest.mark.parametrize("target", ["b.mp4", "b.mkv"])
def test_a_wrong_time_moves_neither_sound_nor_pictures(
    invert: Invert, tmp_path: Path, streams: range, wrong: int, target: str
) -> None:
    source = sounding(tmp_path / "a.ts", "mp2", samples=1152)
    invert(source, tmp_path / f"whole.{target}")
    stamp_anew(source, streams, lambda number, time: time + wrong * (number == 10))
    assert invert(source, tmp_path / target).notes == ()
    for stream, most in ((0, 2e-3), (1, 0.04)):
        wanted = [begin for begin, _, _ in packets(tmp_path / f"whole.{target}", stream)]
        assert [begin for begin, _, _ in packets(tmp_path / target, stream)] == pytest.approx(wanted, abs=most)


def packets(path: Path, stream: int) -> list[tuple[float, float, bytes]]:
    with av.open(str(path)) as film:
        return packets_with_times(film, film.streams[stream])


@pytest.mark.parametrize("target", ["b.mp4", "b.mkv"])
@pytest.mark.parametrize("choices", [{}, {"fps": Fraction(30)}], ids=["as it is", "another rate"])
def test_a_clock_that_wraps(invert: Invert, tmp_path: Path, target: str, choices: dict[str, Fraction]) -> None:
    plain = sounding(tmp_path / "plain.ts", "mp2", samples=1152)
    source = move(plain, tmp_path / "a.ts", Fraction(2**33, 90_000) - Fraction(1, 2))
    invert(plain, tmp_path / f"plain.{target}", **choices)
    assert invert(source, tmp_path / target, **choices).notes == ()
    (seen, heard), (plain_seen, plain_heard) = spans(tmp_path / target), spans(tmp_path / f"plain.{target}")
    assert seen == pytest.approx(plain_seen, abs=0.02)
    assert heard == pytest.approx(plain_heard, abs=0.02)
    assert len(times_of(tmp_path / target)) == len(times_of(tmp_path / f"plain.{target}"))


def test_samples_that_are_no_numbers(invert: Invert, tmp_path: Path) -> None:
    source = sounding(tmp_path / "a.mkv", "pcm_f32le")
    data = bytearray(source.read_bytes())
    packet = packets_of(source, "audio")[0][20]
    place = data.index(packet)
    struct.pack_into("<4f", data, place + 40, math.nan, math.inf, -math.inf, 1e38)
    source.write_bytes(data)
    assert invert(source, tmp_path / "b.mp4").notes == (
        "its track 1 (pcm_f32le sound) becomes aac: mp4 cannot hold it as it is",
    )
    assert seconds_heard(tmp_path / "b.mp4") == pytest.approx(1, abs=0.05)


def test_what_the_encoder_of_sound_refuses_is_no_end_of_the_film(
    invert: Invert, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> Iterator[av.Packet[Any]]:
        raise av.error.ArgumentError(22, "refused")

    monkeypatch.setattr("ugatit_cli.video.sound.SoundEncoder.encode", refuse)
    with pytest.raises(OutputError, match="cannot hold what goes into it"):
        invert(sounding(tmp_path / "a.avi", "pcm_s16le"), tmp_path / "b.mp4")


def beginning_late(path: Path, codec: str) -> Path:
    """A recording with two tracks of sound, of which the second begins too late for the file's header to know it."""
    film = Film(frames=330, audio=(("mp2", "eng"), (codec, "deu")), sample_rate=32_000, layout="mono")
    with av.open(str(film.make(path.with_suffix(".mkv")))) as whole, av.open(str(path), "w") as out:
        streams = {each.index: out.add_stream_from_template(each) for each in whole.streams}
        for packet in whole.demux():
            is_early = packet.stream.index == 2 and (packet.dts or 0) * Fraction(packet.time_base or 1) < 10
            if packet.dts is not None and not is_early:
                packet.stream = streams[packet.stream.index]
                out.mux(packet)
    return path


@pytest.mark.parametrize(
    ("codec", "target", "becomes"),
    [
        ("ac3", "b.mkv", "ac3"),
        ("aac", "b.mp4", "aac"),
        ("mp2", "b.mkv", "mp3float"),
        ("ac3", "b.webm", "opus"),
    ],
)
def test_a_track_that_begins_late(invert: Invert, tmp_path: Path, codec: str, target: str, becomes: str) -> None:
    source = beginning_late(tmp_path / "a.ts", codec)
    with av.open(str(source)) as film:
        assert film.streams.audio[1].codec_context.sample_rate == 0, "as the header says nothing"
    notes = invert(source, tmp_path / target).notes
    assert any(note.startswith("its track 2") for note in notes) == (target == "b.webm")
    with av.open(str(tmp_path / target)) as film:
        sound = film.streams.audio[1].codec_context
        assert (sound.name, sound.layout.nb_channels) == (becomes, 1)
        assert sound.sample_rate == (48_000 if becomes == "opus" else 32_000)
    assert spans(tmp_path / target)[2] == pytest.approx((10, 11), abs=0.1)
    if target != "b.webm":
        assert len(packets_of(tmp_path / target, "audio")[1]) == pytest.approx(
            len(packets_of(source, "audio")[1]), abs=1
        )


def test_a_relative_folder_with_a_colon(invert: Invert, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("trip:1").mkdir()
    invert(Film().make(Path("a.mp4")), Path("trip:1/b.mp4"))
    assert len(times_of(tmp_path / "trip:1" / "b.mp4")) == 12


@pytest.mark.parametrize("target", ["b.mp4", "b.mkv"])
def test_a_clock_that_does_not_begin_at_zero(invert: Invert, tmp_path: Path, target: str) -> None:
    plain = sounding(tmp_path / "plain.ts", "mp2", samples=1152)
    source = move(plain, tmp_path / "a.ts", Fraction(5000))
    assert times_of(source)[0] > 5000
    invert(plain, tmp_path / f"plain.{target}")
    invert(source, tmp_path / target)
    assert spans(tmp_path / target) == spans(tmp_path / f"plain.{target}")
    invert(source, tmp_path / f"stretch.{target}", start=Fraction(1, 2), end=Fraction(3, 4))
    (_, seen), (_, heard) = spans(tmp_path / f"stretch.{target}")
    assert len(times_of(tmp_path / f"stretch.{target}")) == 8
    assert (seen, heard) == pytest.approx((0.26, 0.26), abs=0.05)


def test_another_rate_by_a_clock_that_does_not_begin_at_zero(invert: Invert, tmp_path: Path) -> None:
    source = move(Film(frames=30).make(tmp_path / "plain.ts"), tmp_path / "a.ts", Fraction(5000))
    invert(source, tmp_path / "b.mp4", fps=Fraction(10), start=Fraction(1, 2))
    assert times_of(tmp_path / "b.mp4") == pytest.approx([n / 10 for n in range(5)], abs=0.1)


def saying(path: Path, codec: str, said: Sequence[tuple[int, int, bytes]]) -> Path:
    """A film with subtitles: (begin, duration, text), in ms."""
    film = Film(frames=30)
    with av.open(str(path), "w") as out:
        video, words = film.add_video(out), out.add_mux_stream(codec)
        words.time_base = Fraction(1, 1000)
        for number in range(30):
            out.mux(video.encode(film.frame(number)))
        out.mux(video.encode(None))
        for begin, duration, text in said:
            packet: av.Packet[Any] = av.Packet(text)
            packet.pts = packet.dts = begin
            packet.duration, packet.time_base, packet.stream = duration, Fraction(1, 1000), words
            out.mux(packet)
    return path


def subtitles(path: Path) -> list[tuple[int, int, bytes]]:
    """(begin, duration, text), in ms, without pauses."""
    with av.open(str(path)) as film:
        (words,) = film.streams.subtitles
        skipped = 2 if words.codec_context.name == "mov_text" else 0
        said = packets_with_times(film, words)
    return [(round(1000 * a), round(1000 * b), text[skipped:]) for a, b, text in said if len(text) > 2]


@pytest.mark.parametrize(
    ("name", "codec"), [("a.ts", "dvb_teletext"), ("a.mp4", "ttml"), ("a.mkv", "hdmv_text_subtitle")]
)
def test_subtitles_that_nothing_here_can_read(invert: Invert, tmp_path: Path, name: str, codec: str) -> None:
    written = invert(saying(tmp_path / name, codec, [(0, 400, b"<tt>hello</tt>" * 4)]), tmp_path / "b.webm")
    assert written.notes == ("its track 1 (subtitles) is left out: webm cannot hold it",)


@pytest.mark.parametrize(("target", "text"), [("b.mp4", b"Hello & <3 you"), ("b.webm", b"Hello &amp; &lt;3 you")])
def test_styles_of_subtitles_are_not_read_out(invert: Invert, tmp_path: Path, target: str, text: bytes) -> None:
    styled = b'{\\an8}<i>Hello</i> & <font color="#f00"><3</font> you'
    invert(saying(tmp_path / "a.mkv", "subrip", [(0, 400, styled)]), tmp_path / target)
    assert subtitles(tmp_path / target) == [(0, 400, text)]


def test_styles_of_web_subtitles_are_not_read_out(invert: Invert, tmp_path: Path) -> None:
    styled = b"<v Roger><c.loud>Tom &amp; Jerry</c> &lt;3"
    invert(saying(tmp_path / "a.mkv", "webvtt", [(0, 400, styled)]), tmp_path / "b.mp4")
    assert subtitles(tmp_path / "b.mp4") == [(0, 400, b"Tom & Jerry <3")]


def test_subtitles_shown_together_are_one_in_mp4(invert: Invert, tmp_path: Path) -> None:
    said = [(0, 400, b"A"), (0, 300, b"B"), (100, 500, b"C"), (700, 100, b"D"), (700, 100, b"E")]
    invert(saying(tmp_path / "a.mkv", "subrip", said), tmp_path / "b.mp4")
    assert subtitles(tmp_path / "b.mp4") == [
        *((0, 100, b"A\nB"), (100, 200, b"A\nB\nC"), (300, 100, b"A\nC"), (400, 200, b"C"), (700, 100, b"D\nE"))
    ]


def test_sound_that_an_edit_list_cuts_away_stays_away(invert: Invert, tmp_path: Path) -> None:
    whole = Film(frames=60, audio=(("aac", "eng"),), key_frames=30).make(tmp_path / "whole.mp4")
    source = move(whole, tmp_path / "a.mp4", Fraction(-1, 2))
    invert(source, tmp_path / "b.mkv")
    (seen, _), (heard, _) = spans(tmp_path / "b.mkv")
    assert heard == pytest.approx(seen, abs=0.05)
    assert seconds_heard(tmp_path / "b.mkv") == pytest.approx(1.5, abs=0.05)


def played_twice(path: Path) -> Path:
    """A film that waits for a second: its edit list then shows the second from 1.5 on, and after it that from 0.5 on."""
    data = bytearray(path.read_bytes())
    place = data.index(b"elst")
    while place > 0:
        (ticks,) = struct.unpack_from(">I", data, data.index(b"mdhd", place) + 16)
        struct.pack_into(">IiIIiI", data, place + 12, 1000, ticks * 3 // 2, 65536, 1000, ticks // 2, 65536)
        place = data.find(b"elst", place + 1)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("target", ["b.mp4", "b.mkv"])
def test_what_an_edit_list_shows_out_of_order(invert: Invert, tmp_path: Path, target: str) -> None:
    film = Film(frames=90, audio=(("aac", "eng"),), key_frames=20).make(tmp_path / "whole.mp4")
    source = played_twice(move(film, tmp_path / "a.mp4", Fraction(1)))
    assert invert(source, tmp_path / target).notes == ()
    assert len(times_of(tmp_path / target)) == 60
    assert seconds_heard(tmp_path / target) == pytest.approx(2, abs=0.1)


def tags_of(path: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Of the film, and of the track of its pictures."""
    with av.open(str(path)) as film:
        return film.metadata, film.streams.video[0].metadata


@pytest.mark.parametrize("target", ["b.mp4", "b.mov"])
def test_tags_of_telephones(invert: Invert, tmp_path: Path, target: str) -> None:
    tags = {
        "com.apple.quicktime.make": "Apple",
        "com.apple.quicktime.location.ISO6709": "+52.5+013.4/",
        "com.apple.quicktime.creationdate": "2020-01-01T00:00:00+0200",
    }
    source = Film(tags=tags, options={"movflags": "use_metadata_tags"}).make(tmp_path / "a.mov")
    assert invert(source, tmp_path / target).notes == ()
    assert tags_of(tmp_path / target)[0].items() >= tags.items()


def test_tags_that_the_container_has_no_place_for_are_named(invert: Invert, tmp_path: Path) -> None:
    source = Film(tags={"title": "Us", "DIRECTOR": "me"}).make(tmp_path / "a.mkv")
    assert invert(source, tmp_path / "b.mkv").notes == ()
    assert tags_of(tmp_path / "b.mkv")[0].items() >= {"title": "Us", "DIRECTOR": "me"}.items()
    assert invert(source, tmp_path / "b.mp4").notes == ("tags that mp4 cannot hold are left out: DIRECTOR",)
    assert tags_of(tmp_path / "b.mp4")[0]["title"] == "Us"


@pytest.mark.parametrize(("target", "title"), [("b.mp4", "name"), ("b.mov", "name"), ("b.mkv", "title")])
@pytest.mark.parametrize("name", ["a.mkv", "a.mp4"])
def test_tags_of_the_pictures_own_track(invert: Invert, tmp_path: Path, name: str, target: str, title: str) -> None:
    invert(Film(track_tags={"title": "main", "language": "jpn"}).make(tmp_path / name), tmp_path / target)
    there = tags_of(tmp_path / target)[1]
    assert (there[title], there["language"]) == ("main", "jpn")
