"""Command lines that the user can paste."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Iterable


def command_line(words: Iterable[str]) -> str:
    """For a POSIX shell, or those of Windows, which know no single quotes."""
    return subprocess.list2cmdline(list(words)) if sys.platform == "win32" else shlex.join(words)
