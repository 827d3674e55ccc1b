"""What nobody foresaw, as an error that can be shown and reported."""

from __future__ import annotations

from ..backends.memory import is_out_of_memory
from ..errors import ResourceError, UgatitError


def as_ours(error: Exception) -> UgatitError:
    """Too little memory, or else a bug; caused by `error`."""
    ours = _out_of_memory() if is_out_of_memory(error) else _bug(error)
    ours.__cause__ = error
    return ours


def _out_of_memory() -> UgatitError:
    hint = "use a smaller --size or --batch-size"
    return ResourceError("there is not enough memory", hint=hint, name="out-of-memory")


def _bug(error: Exception) -> UgatitError:
    first_line = next(iter(str(error).splitlines()), "")
    hint = "this is a bug in ugatit: please report it with what UGATIT_DEBUG=1 shows when you run this again"
    return UgatitError(f"unexpected {type(error).__name__}: {first_line}", hint=hint, name="bug")
