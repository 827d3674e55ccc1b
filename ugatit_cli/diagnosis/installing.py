"""The command that mends an installation: pip of the very Python that runs this program."""

from __future__ import annotations

import sys

from ..shell import command_line


def pip(*words: str) -> str:
    """A line for the shell; `words` are pip's."""
    return command_line([sys.executable or "python", "-m", "pip", *words])


def pip_again(distribution: str) -> str:
    """Fetch it anew, as what is there is broken."""
    return pip("install", "--force-reinstall", distribution)
