"""Pictures: hostile bytes in, upright sRGB uint8 arrays out, and back to files that hold nothing but the picture.

Content decides, never the name. Only the formats in `_READERS` are ever opened, so no decoder outside that list (EPS
would start Ghostscript) can be reached. Sizes are judged from the header alone, before anything is decoded.
"""

from __future__ import annotations

import hashlib
import os
import random
import re
import stat
import struct
import threading
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageCms,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from .errors import BadInputError, DeviceError, OutputError, RefusedError, ResourceError, UgatitError, UsageError

Pixels = NDArray[np.uint8]

# 1 GiB at the 12 bytes a pixel that decoding (4), colour conversion (4) and the file itself hold at once; it is also
# where Pillow itself begins to suspect a decompression bomb.
MAX_PIXELS: Final = 2**30 // 12
MAX_SIDE: Final = 65_535  # what JPEG can say; a picture 1 x 80 million costs 8 bytes of bookkeeping a row
MAX_BYTES: Final = 6 * MAX_PIXELS  # the largest picture, uncompressed at 16 bits a channel
MAX_SCANS: Final = 100  # encoders write about ten; each costs a pass over the whole picture
MAX_PARTS: Final = 200_000  # chunks or segments walked in one file; the largest PNG in IDAT chunks of 8 KB has 65,000
MAX_PROFILE_BYTES: Final = 4 * 2**20
HEAD_BYTES: Final = 1024

WRITABLE: Final = {
    "png": "PNG",
    "jpg": "JPEG",
    "jpeg": "JPEG",
    "webp": "WEBP",
    "avif": "AVIF",
    "tif": "TIFF",
    "tiff": "TIFF",
    "bmp": "BMP",
}
"""File endings this program writes, without the dot, and their formats."""

_WITHOUT_ALPHA: Final = {"JPEG", "BMP"}

_READERS: Final[dict[str, type[ImageFile.ImageFile]]] = {
    "JPEG": JpegImagePlugin.JpegImageFile,
    "PNG": PngImagePlugin.PngImageFile,
    "WEBP": WebPImagePlugin.WebPImageFile,
    "GIF": GifImagePlugin.GifImageFile,
    "BMP": BmpImagePlugin.BmpImageFile,
    "TIFF": TiffImagePlugin.TiffImageFile,
    "AVIF": AvifImagePlugin.AvifImageFile,
}
_SIGNATURES: Final = {
    "JPEG": rb"\xff\xd8",
    "PNG": rb"\x89PNG\r\n\x1a\n",
    "WEBP": rb"RIFF.{4}WEBP",
    "GIF": rb"GIF8[79]a",
    "BMP": rb"BM.{12}[\x0c\x10\x28\x34\x38\x40\x6c\x7c]\0\0\0",
    "TIFF": rb"II[*+]\0|MM\0[*+]",
    "AVIF": rb".{4}ftyp(?:.{4}){0,16}?avi[fs]",
}
_SUPPORTED: Final = "supported are JPEG, PNG, WebP, AVIF, TIFF, BMP and GIF"
_SAVE_AS: Final = "save it as PNG or JPEG first"
_STRANGERS: Final = (  # what people hand in most often instead: signature, name, hint
    (rb"\s*<(?:!doctype html|html)", "an HTML page", "the download went wrong: fetch the picture itself"),
    (rb".*<svg", "an SVG drawing", _SAVE_AS),
    (rb"%PDF", "a PDF document", _SAVE_AS),
    (rb"%!PS|\xc5\xd0\xd3\xc6", "an EPS or PostScript document", _SAVE_AS),
    (rb"SIMPLE  =", "a FITS file", _SAVE_AS),
    (
        rb".{4}ftyp(?:.{4}){0,16}?(?:hei[cfmsx]|hev[cmsx]|mif1|msf1)",
        "a HEIC picture",
        "save it as JPEG first (on an iPhone: Settings, Camera, Formats, Most Compatible)",
    ),
    (rb".{4}ftyp|\x1aE\xdf\xa3|RIFF.{4}AVI ", "a video", "save the frames you want as PNG or JPEG first"),
    (rb"\xff\x0a|\0\0\0\x0cJXL ", "a JPEG XL picture", _SAVE_AS),
    (rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51", "a JPEG 2000 picture", _SAVE_AS),
    (rb"8BPS", "a Photoshop document", _SAVE_AS),
    (rb"PK\x03\x04", "a ZIP archive", "unpack it first"),
    (rb"version https://git-lfs", "a Git LFS pointer", "fetch the picture with: git lfs pull"),
)

# Pillow's plug-ins read untrusted bytes in Python, so a damaged file ends in any of these.
_DECODE_ERRORS: Final = (
    OSError,
    EOFError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    RuntimeError,
    struct.error,
    zlib.error,
)
_ANIMATED: Final = "it is animated: only the first frame is used"
_BAD_PROFILE: Final = "its colour profile is damaged or unusual and is ignored: colours may be a little off"
_PNG_CHUNKS: Final = {b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"iCCP", b"eXIf"}
_JPEG_SEGMENT: Final = re.compile(rb"\xff[^\0\xd0-\xd7\xff]")
_END_MARK: Final = b"\xff\xd9"
# noise for a decoder that still waits for data: enough for many blocks, as some lie below the picture's edge, and
# again behind every restart mark, as one that waits for such a mark skips all else
_NOISE: Final = random.Random(0).randbytes(1024).replace(b"\xff", b"\xfe")
_FILLER: Final = _NOISE + b"".join(b"\xff%c" % mark + _NOISE for mark in range(0xD0, 0xD8))
_PROFILE_MODES: Final = {"RGB ": "RGB", "GRAY": "L", "CMYK": "CMYK", "Lab ": "LAB"}  # colour space: mode
_STRIP_ROWS: Final = 512

# tags of TIFF and EXIF
_ORIENTATION_TAG: Final = 274
_SUBFILE_TYPE: Final = 254
_PREVIEW: Final = 1
_BITS: Final = 258
_PHOTOMETRIC: Final = 262
_TILE_WIDTH: Final = 322
_TILE_LENGTH: Final = 323
_DNG_VERSION: Final = 50706

_warnings_lock = threading.Lock()


@dataclass(frozen=True, eq=False)
class Picture:
    """A decoded picture.

    Attributes:
        pixels: uint8 (H, W, 3), sRGB, upright; transparent parts are shown on white.
        alpha: uint8 (H, W), 255 = opaque; None if nothing is transparent.
        notes: what the user should know about the reading, a plain sentence each.
        format: what the file was: `JPEG`, `PNG`, `WEBP`, `GIF`, `BMP`, `TIFF` or `AVIF`.
    """

    pixels: Pixels
    alpha: Pixels | None
    notes: tuple[str, ...]
    format: str


# ------------------------------------------------------------------------------------------------ reading


def read(path: Path) -> Picture:
    """The picture in a regular file (links are followed; pipes, devices and folders are never opened).

    Raises:
        UsageError: nothing is there.
        BadInputError: not a picture, damaged, cut off, or not readable.
        RefusedError: larger than the limits above.
        ResourceError: not enough memory.
    """
    with _explaining(str(path)):
        return _decode(_read_file(path))


def decode(data: bytes, name: str) -> Picture:
    """The picture in `data`; `name` is what messages call it. Raises like `read`."""
    with _explaining(name):
        return _decode(data)


def _decode(data: bytes) -> Picture:
    kind = _sniff(data)
    notes: list[str] = []
    try:
        image = _load(kind, data, notes)
        orientation = _orientation(image.info.get("exif"), notes)
        profile = image.info.get("icc_profile")
        # one name for each stage, so that a stage's memory goes when the next one is there
        image, transparency = _split_transparency(_eight_bit(image, notes))
        image = _apply_profile(image, profile, notes)
        alpha = None if transparency is None else _upright(_to_array(transparency), orientation)
        pixels = _to_array(image)
        del image
        pixels = _upright(pixels, orientation)
    except Image.DecompressionBombError as error:
        raise _too_large("more pixels than") from error
    except _DECODE_ERRORS as error:
        raise _cut_off() if _hit_the_end(error) else _damaged(kind) from error
    if alpha is not None:
        _put_on_white(pixels, alpha)
    return Picture(pixels, alpha, tuple(notes), kind)


def _hit_the_end(error: Exception) -> bool:
    """Whether a decoder stopped because there were no more bytes, which people mend differently from wrong ones."""
    return "truncated" in str(error).lower() or any(
        isinstance(cause, (EOFError, IndexError, struct.error)) for cause in (error, error.__cause__)
    )


@contextmanager
def _explaining(name: str) -> Iterator[None]:
    """Every error inside says which file it is about."""
    try:
        yield
    except UgatitError as error:
        raise type(error)(f"cannot read {name}: {error.message}", hint=error.hint, name=error.name) from error
    except MemoryError as error:
        message = f"cannot read {name}: there is not enough memory for it"
        raise ResourceError(message, hint="make it smaller first", name="out-of-memory") from error


def _cut_off() -> BadInputError:
    return BadInputError(
        "it is truncated: its end is missing", hint="copy or download it again", name="image-truncated"
    )


def _damaged(kind: str, what: str = "") -> BadInputError:
    hint = "copy or download it again, or save it as PNG with another program"
    return BadInputError(f"its {kind} data is damaged or unusual{what}", hint=hint, name="image-damaged")


def _read_file(path: Path) -> bytes:
    try:
        _require_regular(os.stat(path))  # before open: opening a device can have effects
        # without O_NONBLOCK, a pipe put there in between would block for ever
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        with os.fdopen(os.open(path, flags), "rb") as file:
            status = os.fstat(file.fileno())
            _require_regular(status)
            if status.st_size > MAX_BYTES:
                raise RefusedError(
                    f"it is too large ({status.st_size >> 20} MB)", hint="make it smaller first", name="image-too-large"
                )
            _sniff(file.read(HEAD_BYTES))  # so that a film with a picture's name is not read to its end
            file.seek(0)
            return file.read(MAX_BYTES)
    except FileNotFoundError as error:
        what = "it is a broken link: what it points to does not exist" if path.is_symlink() else "it does not exist"
        raise UsageError(what, name="input-missing") from error
    except OSError as error:
        raise BadInputError((error.strerror or str(error)).lower(), name="image-unreadable") from error


def _require_regular(status: os.stat_result) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise BadInputError("it is a folder, not a picture", name="image-not-a-file")
    if not stat.S_ISREG(status.st_mode):
        raise BadInputError("it is a pipe, socket or device, not a file", name="image-not-a-file")


def _sniff(data: bytes) -> str:
    """The format, from the first bytes alone."""
    head = data[:HEAD_BYTES]
    if not head:
        raise BadInputError("it is empty (0 bytes)", hint="copy or download it again", name="image-empty")
    for kind, signature in _SIGNATURES.items():
        if re.match(signature, head, re.DOTALL):
            return kind
    for signature, what, hint in _STRANGERS:
        if re.match(signature, head, re.DOTALL | re.IGNORECASE):
            raise BadInputError(f"it is {what}, which is not supported", hint=hint, name="image-unsupported")
    raise BadInputError("it is not an image, or of an unknown format", hint=_SUPPORTED, name="image-unknown")


# ------------------------------------------------------------------------------------- one loader a format


def _load(kind: str, data: bytes, notes: list[str]) -> Image.Image:
    """The first frame, decoded, in the file's own mode and orientation."""
    if kind == "JPEG":
        return _load_jpeg(data, notes)
    if kind == "PNG":
        return _load_png(data, notes)
    if kind == "TIFF":
        return _load_tiff(data, notes)
    if kind == "WEBP" and int.from_bytes(data[4:8], "little") + 8 > len(data):
        raise _cut_off()
    image = _open(kind, data)
    # a GIF forgets its first frame when it is asked for the second: ask a copy
    if getattr(_open(kind, data) if kind == "GIF" else image, "is_animated", False):
        notes.append(_ANIMATED)
    image.load()
    return image


def _open(kind: str, data: bytes) -> ImageFile.ImageFile:
    """The header is read, nothing is decoded.

    Raises:
        RefusedError: it claims more pixels than the limits allow.
    """
    with _without_warnings():
        image = _READERS[kind](BytesIO(data))
    _check_size(*image.size)
    return image


def _check_size(width: int, height: int) -> None:
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
        raise _too_large(f"{width} x {height} pixels, more than")


def _too_large(claim: str) -> RefusedError:
    limit = f"the {MAX_PIXELS // 1_000_000} million (at most {MAX_SIDE} a side) that are allowed"
    return RefusedError(f"it claims {claim} {limit}", hint="make it smaller first", name="image-too-large")


@contextmanager
def _without_warnings() -> Iterator[None]:
    """Pillow warns of odd metadata; here it becomes a note or does not matter.

    The state of `warnings` belongs to the process, so one thread at a time: hold this for headers, not for pixels.
    """
    with _warnings_lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _load_jpeg(data: bytes, notes: list[str]) -> Image.Image:
    scans, end = _jpeg_layout(data)
    if scans > MAX_SCANS:
        reason = f"it has more than {MAX_SCANS} scans and would take a very long time"
        raise RefusedError(reason, hint="open it in an image editor and save it again", name="image-scan-bomb")
    has_end = end < len(data)
    if not has_end and scans != 1:  # how many more scans there were, nobody can know
        raise _cut_off()
    whole = data if has_end else data + _END_MARK
    image = _decode_jpeg(whole)
    if not has_end or _ends_in_grey(image):
        del image
        if not _jpeg_is_complete(whole, end):
            raise _cut_off()
        image = _decode_jpeg(whole)
    if not has_end:
        notes.append("its end mark is missing, but all pixels are there")
    return image


def _decode_jpeg(data: bytes) -> Image.Image:
    image = _open("JPEG", data)
    image.load()
    return image


def _jpeg_layout(data: bytes) -> tuple[int, int]:
    """How many scans there are, and where the end mark is (the length of `data` if it is missing)."""
    scans, position = 0, 2
    for _ in range(MAX_PARTS):
        # inside a scan, 0xFF is followed by 0 or a restart mark: the next other one starts a segment
        match = _JPEG_SEGMENT.search(data, position)
        if match is None:
            return scans, len(data)
        mark, position = match.group()[1], match.end()
        if mark == 0xD9:
            return scans, match.start()
        scans += mark == 0xDA
        if scans > MAX_SCANS:
            return scans, len(data)
        if mark not in (0x01, 0xD8):  # these two have no length
            position += int.from_bytes(data[position : position + 2])
    raise RefusedError(f"it has more than {MAX_PARTS} segments", name="image-too-many-parts")


def _ends_in_grey(image: Image.Image) -> bool:
    """Whether the last pixel has the grey that libjpeg, without a word, puts where data is missing."""
    last = image.getpixel((image.width - 1, image.height - 1))
    return set(last if isinstance(last, tuple) else (last,)) <= {127, 128}


def _jpeg_is_complete(data: bytes, end: int) -> bool:
    """Whether all pixels are there: only then do more bytes before the end mark change nothing."""
    bits = data[:end].rstrip(b"\xff")  # a last 0xFF is half of a mark, or of an escape
    longer = bits + _FILLER + data[end:]
    return _fingerprint(_decode_jpeg(data)) == _fingerprint(_decode_jpeg(longer))


def _fingerprint(image: Image.Image) -> bytes:
    digest = hashlib.sha256()
    for strip in _strips(image):
        digest.update(strip.tobytes())
    return digest.digest()


def _load_png(data: bytes, notes: list[str]) -> Image.Image:
    """Only the chunks that carry the picture reach the decoder: no text, however much it inflates to, no later frames."""
    kept: list[bytes | memoryview] = [data[:8]]
    for name, body, chunk in _png_chunks(data):
        if name == b"acTL" and int.from_bytes(body[:4]) > 1:
            notes.append(_ANIMATED)
        if name not in _PNG_CHUNKS:
            continue
        if zlib.crc32(chunk[4:-4]) != int.from_bytes(chunk[-4:]):
            raise _damaged("PNG", f": the checksum of its {name.decode()} part is wrong")
        if name == b"iCCP" and not _inflates_within(body, MAX_PROFILE_BYTES // 4):
            notes.append(_BAD_PROFILE)
            continue
        kept.append(chunk)
    image = _open("PNG", b"".join(kept))
    image.load()
    return image


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, memoryview, memoryview]]:
    """Name, body, and the whole of every chunk up to the end mark; what is appended behind it is never looked at."""
    view, position = memoryview(data), 8
    for _ in range(MAX_PARTS):
        end = position + 12 + int.from_bytes(view[position : position + 4])
        if len(view) < position + 12 or len(view) < end:
            raise _cut_off()
        name = bytes(view[position + 4 : position + 8])
        yield name, view[position + 8 : end - 4], view[position:end]
        if name == b"IEND":
            return
        position = end
    raise RefusedError(f"it has more than {MAX_PARTS} chunks", name="image-too-many-parts")


def _inflates_within(body: memoryview, limit: int) -> bool:
    """Whether a `name NUL method deflated` chunk is sound and holds at most `limit` bytes."""
    start = bytes(body[:81])
    end_of_name = start.find(b"\0")
    if end_of_name < 1 or start[end_of_name + 1 :][:1] != b"\0":  # the only method there is
        return False
    try:
        return len(zlib.decompressobj().decompress(body[end_of_name + 2 :], limit + 1)) <= limit
    except zlib.error:
        return False


def _load_tiff(data: bytes, notes: list[str]) -> Image.Image:
    image = _open("TIFF", data)
    tags = image.tag_v2  # type: ignore[attr-defined]
    if data[8:10] == b"CR" or _DNG_VERSION in tags or tags.get(_SUBFILE_TYPE) == _PREVIEW:
        # camera raw files are TIFFs whose first picture is a thumbnail
        raise BadInputError(
            "it is a camera raw file, which is not supported",
            hint="develop it to JPEG or PNG first",
            name="image-unsupported",
        )
    _check_size(tags.get(_TILE_WIDTH, 1), tags.get(_TILE_LENGTH, 1))  # a tile is decoded whole, picture or not
    if image.is_animated:  # type: ignore[attr-defined]
        notes.append("it has several pages: only the first is used")
    with _without_warnings():  # its orientation is read, and applied, at the end of loading
        image.load()
    return image


# ----------------------------------------------------------------------------- colour, transparency, orientation


def _eight_bit(image: Image.Image, notes: list[str]) -> Image.Image:
    if image.mode.startswith("I;16"):
        return _sixteen_bit_grey(image)
    if image.mode in ("F", "I"):
        return _float_grey(image, notes)
    return image


def _split_transparency(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """(the colours in a mode that a profile can speak of, L transparency or None if all is opaque)."""
    if not image.has_transparency_data:
        return (image if image.mode in _PROFILE_MODES.values() else image.convert("RGB")), None
    key = image.info.get("transparency")
    if isinstance(key, tuple) and max(key) > 255:  # 16 bits as in the file, of which the decoder keeps the upper 8
        image.info["transparency"] = tuple(value >> 8 for value in key)
    if image.mode != "RGBA":
        image = image.convert("RGBA")
    alpha = image.getchannel("A")
    return image.convert("RGB"), (None if alpha.getextrema() == (255, 255) else alpha)


def _sixteen_bit_grey(image: Image.Image) -> Image.Image:
    """Scaled to 8 bits, L or LA: Pillow's own conversion turns everything above 255 white."""
    tags = getattr(image, "tag_v2", {})
    white = 2 ** tags.get(_BITS, (16,))[0] - 1  # 12-bit scans are stored as they are
    levels = (np.arange(2**16).clip(max=white) * 255 + white // 2) // white
    if tags.get(_PHOTOMETRIC) == 0:  # white is zero
        levels = 255 - levels
    values = np.asarray(image)
    grey = Image.fromarray(levels.astype(np.uint8)[values])
    key = image.info.get("transparency")
    if key is not None:
        grey = Image.merge("LA", (grey, Image.fromarray(np.where(values == key, 0, 255).astype(np.uint8))))
    return grey


def _float_grey(image: Image.Image, notes: list[str]) -> Image.Image:
    """32-bit floats from 0 to 1 scaled to 8 bits; of anything else nobody knows what is white."""
    values = np.asarray(image)
    if not np.isfinite(values).all():
        raise BadInputError("some of its pixels are not finite numbers (NaN or infinite)", name="image-not-finite")
    if image.mode != "F" or values.min() < 0 or values.max() > 1:
        kind = "float" if image.mode == "F" else "whole"
        reason = f"its pixels are 32-bit {kind} numbers from {values.min():g} to {values.max():g}: what is white is not known"
        raise BadInputError(reason, hint="scale it to 8 or 16 bits first", name="image-range")
    notes.append("its pixels are 32-bit float numbers: 0 is taken as black and 1 as white")
    return Image.fromarray((values * 255).round().astype(np.uint8))


def _apply_profile(image: Image.Image, profile: bytes | None, notes: list[str]) -> Image.Image:
    """`image` (RGB, L, CMYK or LAB) as RGB in sRGB."""
    if not profile:
        return image if image.mode == "RGB" else image.convert("RGB")
    try:
        if len(profile) > MAX_PROFILE_BYTES:
            raise ValueError("too large")
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        mode = _PROFILE_MODES[source.profile.xcolor_space]
        if mode == "RGB" and image.mode == "L":  # common: grey pictures with the profile of a screen
            image = image.convert("RGB")
        converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError, KeyError):
        notes.append(_BAD_PROFILE)
        return image.convert("RGB")
    assert converted is not None  # only with inPlace
    return converted


def _orientation(exif: bytes | None, notes: list[str]) -> int:
    """EXIF's number, 1 to 8, for how the stored picture lies; 1 is upright."""
    if not exif:
        return 1
    tags = Image.Exif()
    try:
        with _without_warnings():
            tags.load(exif)
            value = tags.get(_ORIENTATION_TAG, 1)
    except _DECODE_ERRORS:
        value = None
    if not isinstance(value, int) or value not in range(9):
        notes.append("its EXIF data is damaged: the picture may need turning")
        return 1
    return value or 1  # some cameras write 0 for "unknown"


def _upright(plane: Pixels, orientation: int) -> Pixels:
    """(H, W, ...) turned and mirrored back."""
    if orientation >= 5:
        plane = plane.swapaxes(0, 1)
    rows = -1 if orientation in (3, 4, 7, 8) else 1
    columns = -1 if orientation in (2, 3, 6, 7) else 1
    return np.ascontiguousarray(plane[::rows, ::columns])


def _put_on_white(pixels: Pixels, alpha: Pixels) -> None:
    """In place: what is hidden under transparency can be any colour."""
    for top in range(0, len(pixels), _STRIP_ROWS):
        rows = slice(top, top + _STRIP_ROWS)
        opacity = alpha[rows, :, None].astype(np.uint16)
        pixels[rows] = (pixels[rows] * opacity + 255 * (255 - opacity) + 127) // 255


def _to_array(image: Image.Image) -> Pixels:
    """uint8 (H, W) or (H, W, C), writable; in strips, because `np.array(image)` holds two more copies on its way."""
    shape = (image.height, image.width, len(image.getbands()))
    array = np.empty(shape[: 2 if shape[2] == 1 else 3], np.uint8)
    for index, strip in enumerate(_strips(image)):
        array[index * _STRIP_ROWS : (index + 1) * _STRIP_ROWS] = np.asarray(strip)
    return array


def _strips(image: Image.Image) -> Iterator[Image.Image]:
    for top in range(0, image.height, _STRIP_ROWS):
        yield image.crop((0, top, image.width, min(top + _STRIP_ROWS, image.height)))


# -------------------------------------------------------------------------------------------------- writing


def encode(pixels: Pixels, *, format: str, quality: int, alpha: Pixels | None = None) -> bytes:
    """A file's bytes: the picture and nothing else (no EXIF, no position, no profile: sRGB is what readers assume).

    Args:
        pixels: uint8 (H, W, 3).
        format: a key of `WRITABLE`, in any case: `png`, `jpg` ...
        quality: 1 to 100, for the lossy formats (JPEG, WebP, AVIF).
        alpha: uint8 (H, W); formats without transparency show the picture on white instead.

    Raises:
        UsageError: a format this program does not write.
        OutputError: the format cannot hold the picture (WebP ends at 16383 pixels a side).
    """
    kind = WRITABLE.get(format.lower())
    if kind is None:
        raise UsageError(
            f"cannot write {format} files", hint=f"choose one of {', '.join(WRITABLE)}", name="format-unknown"
        )
    image = Image.fromarray(pixels)
    if alpha is not None:
        image = _with_alpha(image, Image.fromarray(alpha), kind)
    buffer = BytesIO()
    try:
        image.save(buffer, kind, **_save_options(kind, quality))
    except (OSError, ValueError) as error:
        reason = f"a picture of {image.width} x {image.height} does not fit into a {kind} file"
        raise OutputError(reason, hint="choose png", name="format-limit") from error
    return buffer.getvalue()


def _with_alpha(image: Image.Image, alpha: Image.Image, kind: str) -> Image.Image:
    if kind in _WITHOUT_ALPHA:
        return Image.composite(image, Image.new("RGB", image.size, "white"), alpha)
    image.putalpha(alpha)
    return image


def _save_options(kind: str, quality: int) -> dict[str, Any]:
    if kind == "JPEG":  # from 90 on, nobody asked for halved colour resolution
        return {"quality": quality, "subsampling": "4:4:4" if quality >= 90 else "4:2:0"}
    if kind in ("WEBP", "AVIF"):
        return {"quality": quality}
    return {"compression": "tiff_deflate"} if kind == "TIFF" else {}


def check_picture(path: Path, size: tuple[int, int]) -> None:
    """Refuse a file just written that does not open again with `size` (width, height).

    Raises:
        OutputError: it does not.
    """
    data = path.read_bytes()
    try:
        found = _open(_sniff(data), data).size
    except (UgatitError, *_DECODE_ERRORS) as error:
        raise OutputError(f"the file just written does not open again: {error}", name="output-damaged") from error
    if found != size:
        raise OutputError(f"the file just written has size {found}, not {size}", name="output-damaged")


# ------------------------------------------------------------------------------------------- arrays to arrays


def resize(pixels: Pixels, width: int, height: int) -> Pixels:
    """uint8 (H, W, 3) or (H, W) to (height, width, ...), as `PIL.Image.resize(..., BILINEAR)` does: antialiased."""
    return np.array(Image.fromarray(pixels).resize((width, height), Image.Resampling.BILINEAR))


def heatmap_colours(heatmap: NDArray[np.float32], width: int, height: int) -> Pixels:
    """Attention (h, w), any range, as uint8 (height, width, 3): lowest blue, highest red (OpenCV's JET).

    Raises:
        DeviceError: OpenCV does not load here.
    """
    try:
        import cv2
    except ImportError as error:  # most often libGL.so.1, on a machine without a screen
        raise DeviceError(
            f"heat-maps need OpenCV, which does not load here: {error}",
            hint="pip uninstall opencv-python, then pip install opencv-python-headless",
            name="opencv-missing",
        ) from error
    low, high = float(heatmap.min()), float(heatmap.max())
    small = ((heatmap - low) / ((high - low) or 1) * 255).astype(np.uint8)
    grey = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
    colours: Pixels = cv2.applyColorMap(grey, cv2.COLORMAP_JET)[..., ::-1].astype(np.uint8)  # OpenCV says B G R
    return colours


def heatmap_overlay(pixels: Pixels, heatmap: NDArray[np.float32]) -> Pixels:
    """The picture (H, W, 3) half covered by its attention map (h, w), any h and w."""
    height, width = pixels.shape[:2]
    colours = heatmap_colours(heatmap, width, height)
    return (pixels // 2) + (colours // 2) + (pixels & colours & 1)  # their mean, without leaving uint8


def side_by_side(left: Pixels, right: Pixels) -> Pixels:
    """Both (H, W, 3) in one row at the height of `right`, which keeps its pixels."""
    height = right.shape[0]
    if left.shape[0] != height:
        left = resize(left, max(1, round(left.shape[1] * height / left.shape[0])), height)
    return np.concatenate([left, right], axis=1)
