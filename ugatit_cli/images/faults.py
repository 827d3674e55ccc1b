"""What can be wrong with a picture's bytes, as errors that say it in words."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from ..errors import BadInputError, ResourceError, UgatitError

# Pillow's plug-ins read untrusted bytes in Python, so a damaged file ends in any of these.
DECODE_ERRORS: Final = (
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


def hit_the_end(error: Exception) -> bool:
    """Whether a decoder stopped because there were no more bytes, which people mend differently from wrong ones."""
    return "truncated" in str(error).lower() or any(
        isinstance(cause, (EOFError, IndexError, struct.error)) for cause in (error, error.__cause__)
    )


@contextmanager
def explaining(name: str) -> Iterator[None]:
    """Every error inside says which file it is about."""
    try:
        yield
    except UgatitError as error:
        raise type(error)(f"cannot read {name}: {error.message}", hint=error.hint, name=error.name) from error
    except MemoryError as error:
        message = f"cannot read {name}: there is not enough memory for it"
        raise ResourceError(message, hint="make it smaller first", name="out-of-memory") from error


def cut_off() -> BadInputError:
    return BadInputError(
        "it is truncated: its end is missing", hint="copy or download it again", name="image-truncated"
    )


def damaged(kind: str, what: str = "") -> BadInputError:
    hint = "copy or download it again, or save it as PNG with another program"
    return BadInputError(f"its {kind} data is damaged or unusual{what}", hint=hint, name="image-damaged")
