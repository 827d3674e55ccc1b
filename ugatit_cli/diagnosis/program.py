"""The program itself, and what runs it."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator
from pathlib import Path

from .. import __version__
from .findings import Finding, ok


def program_findings() -> Iterator[Finding]:
    folder = Path(__file__).resolve().parents[1]
    yield ok("ugatit", f"ugatit {__version__}, in {folder}", version=__version__, folder=str(folder))
    version = platform.python_version()
    yield ok("python", f"Python {version}, {sys.executable}", version=version, executable=sys.executable)
    library = " ".join(filter(None, platform.libc_ver()))
    system = f"{platform.system()} {platform.release()} {platform.machine()}{library and f', {library}'}"
    yield ok("system", system, system=platform.system(), release=platform.release(), machine=platform.machine())
