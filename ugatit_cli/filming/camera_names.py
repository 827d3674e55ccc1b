"""How a camera is named on the command line."""

from __future__ import annotations

PREFIX = "camera:"


def camera_device(argument: str) -> int | str | None:
    """The number of a camera, or a file that plays one; None where `argument` is no camera."""
    if not argument.startswith(PREFIX):
        return None
    device = argument.removeprefix(PREFIX) or "0"
    return int(device) if device.isdecimal() else device
