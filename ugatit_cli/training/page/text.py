"""Text of strangers (paths, messages) on its way into the page."""

from __future__ import annotations

import html
import re

# What would turn the direction of the text around it or has no picture, and halves of characters, which are how Python
# carries bytes that are not UTF-8.
_STRANGE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def markup(value: object) -> str:
    """As text of HTML, in an element or a quoted attribute."""
    return html.escape(plain(str(value)))


def plain(text: str) -> str:
    """With a question mark for what could disturb its surroundings."""
    return _STRANGE.sub("\ufffd", text)
