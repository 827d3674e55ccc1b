"""`--devices N`: the same command in N processes of this machine, which find each other through torchrun's variables."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

from ..errors import DeviceError

PROGRAM = "from ugatit_cli.cli import main; main()"
LAUNCHED = "WORLD_SIZE"  # torchrun, or whoever starts several nodes, sets it
RANK = "RANK"
TIME_TO_SAVE = 24 * 3600  # seconds after a signal, which the user's second one ends at once


def is_launched(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether this process is one of several already."""
    return LAUNCHED in environment


def leads(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether this is the process that speaks and writes."""
    return environment.get(RANK, "0") == "0"


def require_devices(processes: int, wanted: str) -> None:
    """Raises DeviceError where the device is not there, or several processes cannot train on it: each needs a GPU of its own."""
    import torch

    from ..backends.pytorch import choose_device

    device, count = choose_device(wanted).type, torch.cuda.device_count()
    if sys.platform == "win32":  # PyTorch's meeting place for processes was built without what it needs there
        text = f"--devices {processes} does not work on Windows"
    elif device == "mps":
        text = f"--devices {processes} needs as many GPUs, and a Mac has one"
    elif device == "cuda" and count < processes:
        text = f"--devices {processes} needs as many GPUs, and there {'is one' if count == 1 else f'are {count}'}"
    else:
        return
    raise DeviceError(text, hint="leave --devices out, or use fewer", name="devices-missing")


def launch(processes: int, arguments: list[str]) -> int:
    """Run `ugatit` with `arguments` in each process and wait; returns the exit code of the one that failed first, or 0."""
    import logging

    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    from ..diagnosis.child import another_python

    logging.getLogger("torch.distributed.elastic").setLevel(
        logging.CRITICAL
    )  # it would print a page about an exit code
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // processes)))
    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=processes,
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        max_restarts=0,
        run_id="ugatit",  # or a line about the one that it makes up precedes every run
        shutdown_timeout=TIME_TO_SAVE,
    )
    try:
        python, *words = another_python(PROGRAM, *arguments)
        elastic_launch(config, python)(*words)
    except ChildFailedError as error:
        _, failure = error.get_first_failure()
        return failure.exitcode if failure.exitcode >= 0 else 128 - failure.exitcode
    except SignalException as error:
        return 128 + int(error.sigval)
    return 0
