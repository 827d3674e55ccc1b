"""Sentences that more than one part leaves with a picture, for the user to know how it was read."""

from __future__ import annotations

from typing import Final

ANIMATED: Final = "it is animated: only the first frame is used"
BAD_PROFILE: Final = "its colour profile is damaged or unusual and is ignored: colours may be a little off"
