"""Silencing Pillow leaves the process's warnings as they were, from many threads too."""

from __future__ import annotations

import warnings
from concurrent.futures import ThreadPoolExecutor

from images.pictures import COMPLETE, decoded


def test_threads_decode_side_by_side_and_leave_the_warnings_alone() -> None:
    before = list(warnings.filters)
    with ThreadPoolExecutor(8) as pool:
        pictures = list(pool.map(decoded, [COMPLETE[kind] for kind in sorted(COMPLETE)] * 8))
    assert len(pictures) == 8 * len(COMPLETE)
    assert list(warnings.filters) == before
