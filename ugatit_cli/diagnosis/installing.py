"""The command that mends an installation: pip of the very Python that runs this program."""

from __future__ import annotations

import shlex
import sys


def pip(*words: str) -> str:
    """A line for the shell; `words` are pip's."""
    return shlex.join([sys.executable or "python", "-m", "pip", *words])


def pip_again(distribution: str) -> str:
    """Fetch it anew, as what is there is broken."""
    return pip("install", "--force-reinstall", distribution)
