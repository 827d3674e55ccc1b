"""ICC colour profiles: whatever space a picture's numbers are in, sRGB comes out."""

from __future__ import annotations

from io import BytesIO
from typing import Final

from PIL import Image, ImageCms

from .limits import MAX_PROFILE_BYTES
from .notes import BAD_PROFILE

PROFILE_MODES: Final = {"RGB ": "RGB", "GRAY": "L", "CMYK": "CMYK", "Lab ": "LAB"}  # colour space: mode


def apply_profile(image: Image.Image, profile: bytes | None, notes: list[str]) -> Image.Image:
    """`image` (RGB, L, CMYK or LAB) as RGB in sRGB."""
    if not profile:
        return image if image.mode == "RGB" else image.convert("RGB")
    try:
        if len(profile) > MAX_PROFILE_BYTES:
            raise ValueError("too large")
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        mode = PROFILE_MODES[source.profile.xcolor_space]
        if mode == "RGB" and image.mode == "L":  # common: grey pictures with the profile of a screen
            image = image.convert("RGB")
        converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError, KeyError):
        notes.append(BAD_PROFILE)
        return image.convert("RGB")
    assert converted is not None  # only with inPlace
    return converted
