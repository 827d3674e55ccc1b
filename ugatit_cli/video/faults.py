"""What FFmpeg says, in words for the user."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av

from ..errors import BadInputError, OutputError, ResourceError, UgatitError
from ..files import write_error


@contextmanager
def explaining(name: str) -> Iterator[None]:
    """Put "cannot read NAME: " before what is wrong with a film, and turn what FFmpeg raises into that."""
    try:
        yield
    except UgatitError as error:
        if error.message.startswith("cannot read "):
            raise
        raise type(error)(f"cannot read {name}: {error.message}", hint=error.hint, name=error.name) from error
    except MemoryError as error:
        text = f"cannot read {name}: there is not enough memory"
        raise ResourceError(text, hint="free some memory", name="out-of-memory") from error
    except (av.error.DecoderNotFoundError, av.codec.codec.UnknownCodecError) as error:
        text = f"cannot read {name}: it is compressed in a way that is not known here"
        raise BadInputError(text, hint="convert it to H.264 first", name="video-codec") from error
    except (av.FFmpegError, EOFError) as error:
        text = f"cannot read {name}: it is damaged, or not a video ({_reason(error)})"
        raise BadInputError(text, hint="copy or download it again", name="video-damaged") from error


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what FFmpeg raises while it writes what becomes `path` into what the user can do about it."""
    try:
        yield
    except av.FFmpegError as error:
        if isinstance(error, OSError):
            raise write_error(path, OSError(error.errno or errno.EIO, _reason(error))) from error
        text = f"cannot write {path}: this kind of file cannot hold what goes into it ({_reason(error)})"
        raise OutputError(text, hint="choose an .mkv, or --no-audio", name="output-unwritable") from error


@contextmanager
def encoding(encoder: str) -> Iterator[None]:
    """Turn what FFmpeg raises while it encodes pictures into what the user can do about it; memory that runs out is no fault
    of the encoder's."""
    try:
        yield
    except av.FFmpegError as error:
        if isinstance(error, MemoryError):
            raise
        text = f"{encoder} cannot encode the film ({_reason(error)})"
        raise OutputError(text, hint="choose another --codec", name="encoder-failed") from error


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).lower()
