"""accelerate, as we use it: where and how precisely to compute, and how the processes of one run talk."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from accelerate.utils import InitProcessGroupKwargs
from torch import Tensor, nn

from ..errors import DeviceError
from .launch import TIME_TO_SAVE, is_launched

MODES = {"fp32": "no", "bf16": "bf16", "fp16": "fp16"}
BUCKET = 2**24  # numbers that are averaged at once: gradients of hundreds of megabytes are not copied whole


def start_engine(precision: str, device: torch.device) -> Accelerator:
    """Join the other processes, if there are any (the variables of torchrun tell), and set the precision.

    Raises:
        DeviceError: the device cannot compute in that precision.
    """
    if precision == "fp16" and device.type != "cuda":
        raise DeviceError(
            f"--precision fp16 needs a CUDA GPU, and this run is on {device.type}",
            hint="use --precision bf16 or fp32; a run that began in fp16 is the --base of another",
            name="precision-missing",
        )
    if precision == "bf16" and device.type == "cuda" and not torch.cuda.is_bf16_supported():
        raise DeviceError(
            "this GPU cannot compute in bf16", hint="use --precision fp16 or fp32", name="precision-missing"
        )
    # one for the whole program, it would refuse another precision, and keep the first device; where processes have found
    # each other, that stays
    AcceleratorState._reset_state(reset_partial_state=not is_launched())
    # the others wait while the first process evaluates or saves
    patience = InitProcessGroupKwargs(timeout=timedelta(seconds=TIME_TO_SAVE))
    return Accelerator(mixed_precision=MODES[precision], cpu=device.type == "cpu", kwargs_handlers=[patience])


def resolve_precision(wanted: str, device: torch.device) -> str:
    """What `auto` means on this device: the fastest that is safe. On a CPU results stay the same to the bit."""
    if wanted != "auto":
        return wanted
    if device.type != "cuda":
        return "fp32"
    return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16"


def average_gradients(accelerator: Accelerator, parameters: Iterable[nn.Parameter]) -> None:
    """Give every process the mean of all processes' gradients, a bucket at a time.

    No DistributedDataParallel: a step runs each network several times, alone and frozen, which its hooks do not expect.
    """
    if accelerator.num_processes == 1:
        return
    bucket: list[Tensor] = []
    size = 0
    for grad in (parameter.grad for parameter in parameters if parameter.grad is not None):
        bucket.append(grad)
        size += grad.numel()
        if size >= BUCKET:
            _average(accelerator, bucket)
            bucket, size = [], 0
    if bucket:
        _average(accelerator, bucket)


def _average(accelerator: Accelerator, grads: list[Tensor]) -> None:
    flat = accelerator.reduce(torch.cat([grad.flatten() for grad in grads]), "mean")
    for grad, part in zip(grads, flat.split([grad.numel() for grad in grads]), strict=True):
        grad.copy_(part.view_as(grad))
