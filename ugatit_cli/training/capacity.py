"""What a step costs on this machine, measured before the first one, and how large a batch fits."""

from __future__ import annotations

import gc
import sys
import time
from dataclasses import dataclass

import torch

from ..backends.memory import is_out_of_memory
from ..errors import ResourceError
from .checkpoints import disk_need
from .config import TrainConfig
from .data import Batch, UnpairedFolders
from .division import Division
from .launch import is_launched
from .step import Trainer

LONG = 5.0  # seconds; the first step warms up, and is measured again where that did not take long or says nothing


@dataclass(frozen=True)
class Capacity:
    """Of one process.

    Attributes:
        memory: bytes at the peak: of the GPU, or of the whole process on a CPU.
        disk: bytes that the run's checkpoints and weights will take.
        pieces: parts that a batch has to be cut into to fit.
    """

    seconds_per_step: float
    memory: int
    disk: int
    pieces: int


def measure_capacity(config: TrainConfig, device: torch.device, division: Division) -> Capacity:
    """Try steps that nobody keeps. Where memory is too small for the batch, in two pieces, in four ...

    Raises:
        ResourceError: a single picture does not fit; of several processes, the batch.
    """
    # the generators rest while discriminators warm up, but the memory must do for the steps after that
    config = config.model_copy(update={"warmup": 0})
    for pieces in (count for count in range(1, config.batch_size + 1) if config.batch_size % count == 0):
        try:
            capacity = _try(config, device, division, pieces)
            _forget(device)
            return capacity
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            if is_launched():  # the others wait for this process in the middle of their step, and would wait for ever
                text = f"the memory of {device.type} is too small for a batch of {config.batch_size} in each process"
                raise ResourceError(text, hint="use a smaller --batch-size", name="out-of-memory") from error
        _forget(device)
    raise ResourceError(
        f"the memory of {device.type} is too small for one picture of {config.size} pixels with {config.channels} channels",
        hint="use --size 128, --channels 32 or --gradient-checkpointing",
        name="out-of-memory",
    )


def _try(config: TrainConfig, device: torch.device, division: Division, pieces: int) -> Capacity:
    trainer = Trainer(config, device, pieces=pieces)
    train_a, train_b = division.train
    batch = UnpairedFolders(config, list(train_a), list(train_b)).batch(1)
    seconds = _timed_step(trainer, batch)
    if config.compile or trainer.device.type != "cpu" or _longest(trainer, seconds) < LONG:
        seconds = _timed_step(trainer, batch)
    return Capacity(seconds, peak_memory(trainer.device), disk_need(trainer), pieces)


def _forget(device: torch.device) -> None:
    """What was tried leaves the GPU, also where it holds on to itself, and its peak is nobody's."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)


def _timed_step(trainer: Trainer, batch: Batch) -> float:
    began = time.perf_counter()
    trainer.advance(batch)
    return time.perf_counter() - began  # reading the losses has waited for the device


def _longest(trainer: Trainer, seconds: float) -> float:
    """Of all processes, which must take as many steps."""
    return float(trainer.accelerator.gather(torch.tensor([seconds], device=trainer.device)).max())


def peak_memory(device: torch.device) -> int:
    """Bytes: the most that was allocated on a GPU, or that the process held in RAM; 0 where the system does not tell."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    if sys.platform == "win32":
        return 0
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
