"""What lies beside the pictures: sound, subtitles, attachments and tags, copied as they are where the container can hold them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from io import BytesIO
from typing import Any, Final

import av

from .reading import choose_film
from .subtitles import STYLE, TEXT_CODECS, WRITTEN_AS, packet_of, text_of
from .window import Window, fine, in_fine

TIMED: Final = ("audio", "subtitle")
REENCODED_AS: Final = {"mp4": "aac", "mov": "aac", "matroska": "libopus", "webm": "libopus"}
OWN_TAGS: Final = frozenset(
    {"encoder", "duration", "major_brand", "minor_version", "compatible_brands", "alpha_mode", "_statistics_tags"}
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
        packets: how many were written so far.
    """

    source: Any
    target: Any
    codec: str = ""
    packets: int = 0

    @property
    def is_text(self) -> bool:
        return bool(self.codec) and self.source.type == "subtitle"

    @property
    def is_encoded(self) -> bool:
        return bool(self.codec) and self.source.type == "audio"


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
        try:
            for packet in source.demux([track.source for track in routes.values()]):
                track = routes[packet.stream.index]  # not `stream_index`, which is 0 in the empty packet at the end
                for ready in _through(track, packet, window):
                    track.packets += 1
                    yield _seconds(ready), ready
        except av.FFmpegError:  # a file that is cut off: what there was is written
            pass
        for track in routes.values():
            if track.is_encoded:
                for ready in track.target.encode(None):
                    track.packets += 1
                    yield _seconds(ready), ready

    def counts(self) -> tuple[int, ...]:
        """Packets written of each track of sound or subtitles."""
        return tuple(track.packets for track in self.tracks if track.source.type in TIMED)


def add_tracks(source: av.container.InputContainer, out: av.container.OutputContainer, *, sound: bool) -> Tracks:
    """Every stream of `source` but the film itself that `out` can hold, in one form or another."""
    found, film = Tracks(), choose_film(source)
    for stream in source.streams:
        if stream.type == "video" and stream.index != film.index:
            found.notes.append(f"its {_describe(stream)} is left out: only one is translated")
        if stream.type == "video" or (stream.type == "audio" and not sound) or _tells_chapters(stream, source):
            continue
        track = _add(stream, out)
        if track is None:
            found.notes.append(f"its {_describe(stream)} is left out: {out.format.name} cannot hold it")
            continue
        if track.codec:
            found.notes.append(
                f"its {_describe(stream)} becomes {track.codec}: {out.format.name} cannot hold it as it is"
            )
        if stream.type != "attachment":
            track.target.metadata.update(_track_tags(stream.metadata, out.format.name))
            track.target.disposition = stream.disposition
        found.tracks.append(track)
    return found


def _track_tags(tags: dict[str, str], container: str) -> dict[str, str]:
    kept = own_tags_left_out(tags)
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


def _add(stream: Any, out: av.container.OutputContainer) -> Track | None:
    name = out.format.name
    if _is_held(stream, name):
        return Track(stream, out.add_stream_from_template(stream))
    if stream.type == "audio" and stream.codec_context is not None and name in REENCODED_AS:
        rate = 48_000 if name in ("matroska", "webm") else stream.codec_context.sample_rate
        target: Any = out.add_stream(REENCODED_AS[name], rate=rate)
        target.codec_context.layout = stream.codec_context.layout.name
        return Track(stream, target, REENCODED_AS[name])
    if stream.type == "subtitle" and stream.codec_context.name in TEXT_CODECS and name in WRITTEN_AS:
        target = out.add_stream(WRITTEN_AS[name])
        target.codec_context.subtitle_header = STYLE
        target.codec_context.time_base = target.time_base = stream.time_base
        return Track(stream, target, WRITTEN_AS[name])
    return None


def _tells_chapters(stream: Any, source: av.container.InputContainer) -> bool:
    """QuickTime keeps the names of chapters in a track of their own, which is written anew with them."""
    return stream.type == "data" and stream.name == "bin_data" and bool(source.chapters())


def _is_held(stream: Any, container: str) -> bool:
    """Tried out, in memory: what a container takes depends on more than the codec's name."""
    try:
        with av.open(BytesIO(), "w", format=container) as trial:
            trial.add_stream_from_template(stream)
            trial.start_encoding()
    except (av.FFmpegError, ValueError, LookupError, NotImplementedError):
        return False
    return True


def _through(track: Track, packet: av.Packet, window: Window) -> Iterator[av.Packet]:
    """What becomes of one packet of the source."""
    if packet.dts is None and not track.is_encoded:
        return
    if track.is_encoded:
        yield from _reencoded(track, packet, window)
        return
    assert packet.pts is not None and packet.dts is not None
    time_base = Fraction(packet.time_base)
    if (packet.pts + (packet.duration or 0)) * time_base <= window.start and window.start:
        return
    if not window.holds(packet.pts, time_base):
        return
    if track.source.type == "subtitle":
        if _is_pause(track, packet):
            return
        _trim(packet, time_base, window)
    if track.is_text:
        packet = _as_text(track, packet)
    assert packet.pts is not None and packet.dts is not None
    packet.pts, packet.dts = window.moved(packet.pts, time_base), window.moved(packet.dts, time_base)
    packet.duration = in_fine(packet.duration or 0, time_base)
    packet.time_base = fine(time_base)
    packet.stream = track.target
    yield packet


def _is_pause(track: Track, packet: av.Packet) -> bool:
    """MP4 fills the time between two subtitles with empty ones; each container has a way of its own."""
    codec = track.source.codec_context.name
    return (track.is_text or codec == "mov_text") and not text_of(codec, bytes(packet))


def _trim(packet: av.Packet, time_base: Fraction, window: Window) -> None:
    """To the stretch that is wanted: what begins earlier or ends later would make the film longer."""
    assert packet.pts is not None
    begin, end = packet.pts, packet.pts + (packet.duration or 0)
    if window.start:
        begin = max(begin, window.first(time_base))
    if window.end is not None:
        end = min(end, round(window.end / time_base))
    packet.pts = packet.dts = begin
    packet.duration = max(0, end - begin)


def _reencoded(track: Track, packet: av.Packet, window: Window) -> Iterator[av.Packet]:
    try:
        frames = packet.decode()
    except av.FFmpegError:
        return
    for frame in frames:
        time_base = Fraction(frame.time_base or 1)
        if frame.pts is None or frame.pts * time_base < window.start or not window.holds(frame.pts, time_base):
            continue
        frame.pts, frame.time_base = window.moved(frame.pts, time_base), fine(time_base)
        yield from track.target.encode(frame)


def _as_text(track: Track, packet: av.Packet) -> av.Packet:
    text = text_of(track.source.codec_context.name, bytes(packet))
    converted = av.Packet(packet_of(track.codec, text))
    converted.pts, converted.dts, converted.duration = packet.pts, packet.dts, packet.duration
    converted.time_base = packet.time_base
    converted.is_keyframe = True
    return converted


def _seconds(packet: av.Packet) -> Fraction:
    return Fraction(packet.dts or 0) * Fraction(packet.time_base)


def _describe(stream: Any) -> str:
    codec = stream.codec_context.name if stream.codec_context is not None else ""
    kinds = {"video": "pictures", "audio": "sound", "subtitle": "subtitles", "data": "data", "attachment": "attachment"}
    name = kinds.get(stream.type, stream.type)
    return f"track {stream.index} ({' '.join(filter(None, (codec, name)))})"
