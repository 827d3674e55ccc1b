"""One way, measured in a process of its own: a task, as a JSON object, is answered with another."""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Any

from ..diagnosis.probes import answering
from ..errors import UgatitError
from ..files import write_atomically
from ..loading import Wish, load_model

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

WARM_UPS = 1


def measure(task: dict[str, Any]) -> dict[str, Any]:
    """Seconds, bytes, and what really ran; pictures come from the file `task["inputs"]`, translations go to `task["outputs"]`."""
    begun = perf_counter()
    loaded = load_model(Path(task["model"]), task["sha256"], Wish(**task["wish"]))
    load_seconds = perf_counter() - begun
    import numpy as np

    backend, pictures = loaded.backend, np.load(task["inputs"])
    seconds = []
    for _ in range(WARM_UPS + task["runs"]):
        begun = perf_counter()
        outputs = backend(pictures)
        seconds.append(perf_counter() - begun)
    found = {
        "device": backend.device,
        "provider": backend.provider,
        "load_seconds": load_seconds,
        "first_seconds": seconds[0],
        "seconds": median(seconds[WARM_UPS:]),
        "peak_bytes": _peak_bytes(),
    }
    keep(outputs, Path(task["outputs"]))
    return found


def keep(pictures: NDArray[np.uint8], path: Path) -> None:
    """For `np.load`, which alone would not say that a disk is full. Raises OutputError, ResourceError."""
    import numpy as np

    whole = BytesIO()
    np.save(whole, pictures)
    write_atomically(path, whole.getvalue())


def _peak_bytes() -> int:
    """The most memory that this process has held; on Linux by its own account, as getrusage counts what the parent held, too.

    0 where the system does not tell.
    """
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    if sys.platform == "win32":
        return 0
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def main(task: str) -> None:
    """The answer to `task`, or an error of ours as `refused`, on standard output."""
    with answering() as out:
        try:
            found = measure(json.loads(task))
        except UgatitError as error:
            found = {"refused": error.as_dict()}
        out.write(json.dumps(found))
