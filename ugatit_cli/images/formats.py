"""Which formats are read and written, and which one some bytes are: what people hand in instead is called by its name."""

from __future__ import annotations

import re
from typing import Final

from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from ..errors import BadInputError

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

READERS: Final[dict[str, type[ImageFile.ImageFile]]] = {
    "JPEG": JpegImagePlugin.JpegImageFile,
    "PNG": PngImagePlugin.PngImageFile,
    "WEBP": WebPImagePlugin.WebPImageFile,
    "GIF": GifImagePlugin.GifImageFile,
    "BMP": BmpImagePlugin.BmpImageFile,
    "TIFF": TiffImagePlugin.TiffImageFile,
    "AVIF": AvifImagePlugin.AvifImageFile,
}

HEAD_BYTES: Final = 1024
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
    (rb".{4}ftyp|\x1aE\xdf\xa3|RIFF.{4}AVI ", "a video", "ugatit video takes it"),
    (rb"\s*#EXTM3U", "a playlist", "fetch the video itself"),
    (rb"v=0\r?\n", "a description of a network stream", "fetch the video itself"),
    (rb"\xff\x0a|\0\0\0\x0cJXL ", "a JPEG XL picture", _SAVE_AS),
    (rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51", "a JPEG 2000 picture", _SAVE_AS),
    (rb"8BPS", "a Photoshop document", _SAVE_AS),
    (rb"PK\x03\x04", "a ZIP archive", "unpack it first"),
    (rb"version https://git-lfs", "a Git LFS pointer", "fetch the picture with: git lfs pull"),
)


def sniff(data: bytes) -> str:
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
