"""What lies beside the pictures: sound, subtitles, attachments and tags, copied as they are where the container can hold them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from fractions import Fraction
from io import BytesIO
from math import ceil
from typing import Any, Final

import av

from .mending import Mending
from .reading import choose_film
from .sound import REENCODED_AS, SoundEncoder, add_sound
from .subtitles import STYLE, TEXT_CODECS, WRITTEN_AS, Cue, OneAtATime, packet_of, text_of
from .window import Window, fine, in_fine

QUICKTIME: Final = frozenset({"mp4", "mov"})
TIMED: Final = ("audio", "subtitle")
APART: Final = Fraction(1, 5000)  # seconds between packets of sound out of order: a tick of any clock that sound has
OWN_TAGS: Final = frozenset(
    {
        *("encoder", "software", "duration", "major_brand", "minor_version", "compatible_brands", "alpha_mode"),
        *("_statistics_tags", "_statistics_writing_app", "_statistics_writing_date_utc"),
        *("bps", "number_of_frames", "number_of_bytes"),
    }
)
"""Tags that are about the file they stand in, not about the film."""

QUICKTIME_LANGUAGES: Final = {
    **{"deu": "ger", "nld": "dut", "ell": "gre", "isl": "ice", "zho": "chi", "sqi": "alb", "hye": "arm", "kat": "geo"},
    **{"mkd": "mac", "bod": "tib", "mya": "bur", "msa": "may", "cym": "wel", "eus": "baq"},
    **{"fre": "fra", "cze": "ces", "rum": "ron", "slo": "slk"},
}
"""QuickTime numbers its languages: how FFmpeg calls those that have another code in ISO 639-2, too."""


@dataclass
class Track:
    """One stream beside the pictures, on its way from `source` to `target`.

    Attributes:
        codec: what it becomes; empty if it is copied.
        sound: what encodes it, if it is sound that is not copied.
        cues: what joins its subtitles, if they are written one at a time.
        unheard: the last packet that an edit list takes away, in which what is heard can begin.
        packets, bytes: how many were written so far.
        last: when the last packet was, in its ticks.
    """

    source: Any
    target: Any
    codec: str = ""
    sound: SoundEncoder | None = None
    cues: OneAtATime | None = None
    unheard: av.Packet | None = None
    packets: int = 0
    bytes: int = 0
    last: int | None = None

    @property
    def is_text(self) -> bool:
        return bool(self.codec) and self.source.type == "subtitle"

    @property
    def is_silent(self) -> bool:
        return self.source.type == "audio" and not self.packets

    @property
    def container(self) -> str:
        return str(self.target.container.format.name)


@dataclass
class Tracks:
    """All that go into one file, and what the user should know about it."""

    tracks: list[Track] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def packets(self, source: av.container.InputContainer, window: Window) -> Iterator[tuple[Fraction, av.Packet]]:
        """(seconds, packet) in the order of decoding, moved to the window's beginning."""
        routes = {track.source.index: track for track in self.tracks if track.source.type != "attachment"}
        if not routes:
            return
        film = choose_film(source)
        mending = Mending(film)
        for packet in mending.mended(_demuxed(source, [film, *(track.source for track in routes.values())])):
            track = routes.get(packet.stream.index)  # not `stream_index`, which is 0 in the empty packet at the end
            if track is not None:
                yield from _written(track, _through(track, packet, window))
        if mending.begins_again:
            self.notes.append("its times begin again on the way: everything goes on where it was")
        for track in routes.values():
            yield from _written(track, _ending(track, window))
            if track.is_silent:
                self.notes.append(
                    f"nothing is heard of its {_describe(track.source)}: none begins here, or none can be read"
                )

    def counts(self) -> tuple[tuple[int, int], ...]:
        """(packets, bytes) written of each track of sound or subtitles. QuickTime leaves out sound that is silent."""
        there = [track for track in self.tracks if not (track.is_silent and track.container in QUICKTIME)]
        return tuple((track.packets, track.bytes) for track in there if track.source.type in TIMED)


def _demuxed(source: av.container.InputContainer, streams: list[Any]) -> Iterator[av.Packet]:
    """Of a file that is cut off, what there is."""
    with suppress(av.FFmpegError):
        yield from source.demux(streams)


def add_tracks(
    source: av.container.InputContainer,
    again: av.container.InputContainer,
    out: av.container.OutputContainer,
    *,
    sound: bool,
) -> Tracks:
    """Every stream of `source` but the film itself that `out` can hold, in one form or another.

    `again` is the same file, opened once more: its first packets are tried out.
    """
    found, film = Tracks(), choose_film(source)
    for stream in source.streams:
        if stream.type == "video" and stream.index != film.index:
            found.notes.append(f"its {_describe(stream)} is left out: only one is translated")
        if stream.type == "video" or (stream.type == "audio" and not sound) or _tells_chapters(stream, source):
            continue
        track = _add(stream, again.streams[stream.index], out)
        if track is None:
            found.notes.append(f"its {_describe(stream)} is left out: {out.format.name} cannot hold it")
            continue
        if track.codec:
            found.notes.append(
                f"its {_describe(stream)} becomes {track.codec}: {out.format.name} cannot hold it as it is"
            )
        if stream.type != "attachment":
            track.target.metadata.update(track_tags(stream.metadata, out.format.name))
            track.target.disposition = stream.disposition
        found.tracks.append(track)
    return found


def track_tags(tags: dict[str, str], container: str) -> dict[str, str]:
    kept = own_tags_left_out(tags)
    if "name" in kept:  # FFmpeg reads a QuickTime track's title so, and writes it from the other
        kept.setdefault("title", kept.pop("name"))
    language = kept.get("language", "")
    if container == "mov" and language in QUICKTIME_LANGUAGES:
        kept["language"] = QUICKTIME_LANGUAGES[language]
    return kept


def lost_in_pictures(source: av.container.InputContainer, *, sound: bool) -> list[str]:
    """What lies beside the pictures of `source`, in the user's words, where only pictures are written."""
    names = {"audio": "sound", "subtitle": "subtitles", "attachment": "attachments", "data": "data"}
    if not sound:
        del names["audio"]
    types = {stream.type for stream in source.streams if not _tells_chapters(stream, source)}
    lost = [name for kind, name in names.items() if kind in types]
    lost += ["chapters"] if source.chapters() else []
    return lost + (["tags"] if own_tags_left_out(source.metadata) else [])


def own_tags_left_out(tags: dict[str, str]) -> dict[str, str]:
    return {name: text for name, text in tags.items() if name.lower().split("-")[0] not in OWN_TAGS}


def _add(stream: Any, again: Any, out: av.container.OutputContainer) -> Track | None:
    name = out.format.name
    packet = _first_packet(again) if stream.type == "audio" else None
    if _is_held(again, packet, name):
        return Track(stream, _copy(again, out))
    if stream.type == "audio" and stream.codec_context is not None and name in REENCODED_AS:
        target: Any = add_sound(out, again.codec_context)
        return Track(stream, target, REENCODED_AS[name], SoundEncoder(target))
    if stream.type == "subtitle" and _codec(stream) in TEXT_CODECS and name in WRITTEN_AS:
        target = out.add_stream(WRITTEN_AS[name])
        target.codec_context.subtitle_header = STYLE
        target.codec_context.time_base = target.time_base = stream.time_base
        return Track(stream, target, WRITTEN_AS[name], cues=OneAtATime() if name in QUICKTIME else None)
    return None


def _tells_chapters(stream: Any, source: av.container.InputContainer) -> bool:
    """QuickTime keeps the names of chapters in a track of their own, which is written anew with them."""
    return stream.type == "data" and stream.name == "bin_data" and bool(source.chapters())


def _is_held(stream: Any, packet: av.Packet | None, container: str) -> bool:
    """Tried out, in memory, with a packet of sound: what a container takes depends on more than the codec's name."""
    try:
        with av.open(BytesIO(), "w", format=container) as trial:
            target = _copy(stream, trial)
            trial.start_encoding()
            if packet is not None:
                packet.stream = target
                trial.mux(packet)
    except (av.FFmpegError, ValueError, LookupError, NotImplementedError):
        return False
    return True


def _copy(stream: Any, out: av.container.OutputContainer) -> Any:
    """A stream of `out` for the packets of `stream`, whose first packet has told what the file's header may not know."""
    target: Any = out.add_stream_from_template(stream)
    if stream.type == "audio" and stream.codec_context is not None and not target.codec_context.sample_rate:
        target.codec_context.sample_rate = stream.codec_context.sample_rate
        target.codec_context.layout = stream.codec_context.layout
    return target


def _first_packet(stream: Any) -> av.Packet | None:
    """It is decoded where the header does not know the sound, as of a track that begins long after the film."""
    with suppress(av.FFmpegError):
        packet = next((each for each in stream.container.demux(stream) if each.size and each.dts is not None), None)
        if packet is not None and stream.codec_context is not None and not stream.codec_context.sample_rate:
            stream.codec_context.decode(packet)
        return packet
    return None


def _written(track: Track, packets: Iterable[av.Packet]) -> Iterator[tuple[Fraction, av.Packet]]:
    """(seconds, packet). Sound is put in order, which the others need not be in; where it does not say how long a packet
    lasts, that is as long as the one before, since QuickTime leaves out what lasts no time."""
    for packet in packets:
        assert packet.pts is not None and packet.dts is not None
        time_base = Fraction(packet.time_base)
        if track.source.type == "audio":
            if track.last is not None and packet.dts <= track.last:
                packet.dts = track.last + ceil(APART / time_base)
                packet.pts = max(packet.pts, packet.dts)
            packet.duration = packet.duration or packet.dts - (packet.dts if track.last is None else track.last)
            track.last = packet.dts
        track.packets, track.bytes = track.packets + 1, track.bytes + packet.size
        yield packet.dts * time_base, packet


def _through(track: Track, packet: av.Packet, window: Window) -> Iterator[av.Packet]:
    """What becomes of one packet of the source."""
    if track.sound is not None:
        yield from _reencoded(track.sound, packet, window)
        return
    if packet.pts is None or packet.dts is None:
        return
    time_base = Fraction(packet.time_base)
    if window.is_over(packet.pts + (packet.duration or 0), time_base) or not window.holds(packet.pts, time_base):
        return
    if track.source.type == "subtitle":
        yield from _said(track, packet, window)
        return
    has_edit_list = track.container in QUICKTIME and packet.pts * time_base < window.begin
    if packet.is_discard and not has_edit_list:
        track.unheard = packet
        return
    if track.unheard is not None and not track.packets:
        yield _moved(track, track.unheard, window)
    yield _moved(track, packet, window)


def _ending(track: Track, window: Window) -> Iterator[av.Packet]:
    """What was still waiting when the source ended."""
    if track.sound is not None:
        yield from track.sound.end()
    if track.cues is not None:
        for cue in track.cues.until(None):
            yield _moved(track, _as_text(track, cue), window)


def _moved(track: Track, packet: av.Packet, window: Window) -> av.Packet:
    assert packet.pts is not None and packet.dts is not None
    time_base = Fraction(packet.time_base)
    packet.pts, packet.dts = window.moved(packet.pts, time_base), window.moved(packet.dts, time_base)
    packet.duration = in_fine(packet.duration or 0, time_base)
    packet.time_base = fine(time_base)
    packet.stream = track.target
    return packet


def _said(track: Track, packet: av.Packet, window: Window) -> Iterator[av.Packet]:
    """A subtitle, trimmed to the stretch that is wanted: what begins earlier or ends later would make the film longer.

    MP4 fills the time between two with empty ones; each container has a way of its own, so they are left out.
    """
    assert packet.pts is not None
    time_base = Fraction(packet.time_base)
    begin, end = packet.pts, packet.pts + (packet.duration or 0)
    first, last = window.first(time_base), window.last(time_base)
    if first is not None:
        begin = max(begin, first)
    if last is not None:
        end = min(end, last)
    packet.pts, packet.dts, packet.duration = begin, begin, max(0, end - begin)
    codec = _codec(track.source)
    text = text_of(codec, bytes(packet)) if track.is_text or codec == "mov_text" else None
    if text and track.is_text:
        cue = Cue(begin, max(begin, end), text)
        for each in [cue] if track.cues is None else track.cues.add(cue):
            yield _moved(track, _as_text(track, each), window)
    elif text is None or text:
        yield _moved(track, packet, window)


def _reencoded(encoder: SoundEncoder, packet: av.Packet, window: Window) -> Iterator[av.Packet]:
    try:
        frames: list[Any] = packet.decode()
    except av.FFmpegError:
        return
    for frame in frames:
        time_base = Fraction(frame.time_base or 1)
        if frame.pts is None or frame.pts * time_base < window.begin or not window.holds(frame.pts, time_base):
            continue
        frame.pts, frame.time_base = window.moved(frame.pts, time_base), fine(time_base)
        yield from encoder.encode(frame)


def _as_text(track: Track, cue: Cue) -> av.Packet:
    packet = av.Packet(packet_of(track.codec, cue.text))
    packet.pts = packet.dts = cue.begin
    packet.duration = cue.end - cue.begin
    packet.time_base = Fraction(track.source.time_base)
    packet.is_keyframe = True
    return packet


def _codec(stream: Any) -> str:
    """Empty where FFmpeg has no decoder for it."""
    return "" if stream.codec_context is None else str(stream.codec_context.name)


def _describe(stream: Any) -> str:
    kinds = {"video": "pictures", "audio": "sound", "subtitle": "subtitles", "data": "data", "attachment": "attachment"}
    name = kinds.get(stream.type, stream.type)
    return f"track {stream.index} ({' '.join(filter(None, (_codec(stream), name)))})"
