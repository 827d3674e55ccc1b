"""Where the program keeps what it could make or fetch again."""

from __future__ import annotations

import os
from pathlib import Path

VARIABLE = "UGATIT_CACHE"


def cache_folder() -> Path:
    """UGATIT_CACHE, else the system's place for such things; it need not exist yet."""
    from platformdirs import user_cache_path  # here, because looking for the place costs time that --help has not

    named = os.environ.get(VARIABLE)
    return Path(named).absolute() if named else user_cache_path("ugatit", appauthor=False)
