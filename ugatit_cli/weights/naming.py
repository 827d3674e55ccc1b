"""Errors that say which file: the readers' messages are about "it"."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import BadModelError, RefusedError, UsageError


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Say it in the errors of the readers that run inside."""
    try:
        yield
    except BadModelError as error:
        raise BadModelError(
            f"cannot use the model {path}: {error.message}", hint=error.hint, name=error.name
        ) from error
    except RefusedError as error:
        raise RefusedError(f"refused the model {path}: {error.message}", hint=error.hint, name=error.name) from error
    except UsageError as error:
        raise UsageError(f"cannot open the model {path}: {error.message}", hint=error.hint, name=error.name) from error
