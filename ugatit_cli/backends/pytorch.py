"""PyTorch runs the generator."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..config import GeneratorConfig
from ..errors import BadModelError, DeviceError
from ..network import Generator, Translation
from .cores import allowed_cores
from .holding import Held, Statistics
from .memory import is_out_of_memory, too_little_memory
from .pytorch_cpu import prepare_for_cpu
from .pytorch_statistics import Normalisations

Result = TypeVar("Result")


def choose_device(wanted: str) -> torch.device:
    """The device that was asked for, or an error; `auto` takes the first of cuda, mps, cpu that is there.

    Raises:
        DeviceError: never a silent fall back to another device.
    """
    here = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if wanted == "auto":
        wanted = next(name for name, there in here.items() if there)
    if not here.get(wanted, False):
        reason = (
            "this PyTorch was built without CUDA"
            if wanted == "cuda" and torch.version.cuda is None
            else "no such device was found"
        )
        raise DeviceError(
            f"cannot run on {wanted}: {reason}", hint="use --device cpu, or --device auto", name="device-missing"
        )
    return torch.device(wanted)


class PytorchBackend:
    """The `Backend` contract over an eager `Generator` in float32."""

    name = "torch"
    provider = f"PyTorch {torch.__version__}"

    def __init__(self, config: GeneratorConfig, tensors: dict[str, Tensor], device: str) -> None:
        self._device = choose_device(device)
        self.device = self._device.type
        self.image_size = config.image_size
        self.any_size = config.any_size
        self._truncated = config.truncated
        with torch.device("meta"):
            generator = Generator(config)
        generator.load_state_dict({name: tensor.float() for name, tensor in tensors.items()}, assign=True)
        self._generator = generator.eval().requires_grad_(False).to(self._device)
        if self.device == "cpu":
            torch.set_num_threads(min(torch.get_num_threads(), allowed_cores()))
            prepare_for_cpu(self._generator)
        self._normalisations = Normalisations(self._generator)
        self._try_out()

    def __call__(self, pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
        parts = self._in_parts(pictures, lambda x, part: self._generator(x))
        return np.concatenate([_to_levels(part.image, self._truncated) for part in parts])

    def translate_with_heatmap(self, pictures: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        found = self._in_parts(pictures, lambda x, part: self._generator(x, heatmap=True))
        parts = [(_to_levels(part.image, self._truncated), _to_map(part)) for part in found]
        images, heatmaps = zip(*parts, strict=True)
        return np.concatenate(images), np.concatenate(heatmaps)

    def measure(self, pictures: NDArray[np.uint8], *, heatmap: bool = False) -> Held:
        parts = self._in_parts(pictures, lambda x, part: self._normalisations.measure(x, heatmap=heatmap))
        return _join([_to_held(translation, statistics, self._truncated) for translation, statistics in parts])

    def translate_held(self, pictures: NDArray[np.uint8], statistics: Statistics, *, heatmap: bool = False) -> Held:
        def hold(x: Tensor, part: slice) -> tuple[Translation, Tensor]:
            rows = torch.tensor(statistics[part], device=self._device)
            return self._normalisations.hold(x, rows, heatmap=heatmap), rows

        parts = self._in_parts(pictures, hold)
        return _join([_to_held(translation, rows, self._truncated) for translation, rows in parts])

    def _in_parts(self, pictures: NDArray[np.uint8], run: Callable[[Tensor, slice], Result]) -> Iterator[Result]:
        """The batch in parts: whole on a GPU; one by one on a CPU, whose caches hold one picture's features, not eight's."""
        at_once = 1 if self.device == "cpu" else len(pictures)
        try:
            for first in range(0, len(pictures), at_once):
                part = slice(first, first + at_once)
                with torch.inference_mode():
                    yield run(self._to_tensor(pictures[part]), part)
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            size = f"{pictures.shape[2]}x{pictures.shape[1]}"
            raise too_little_memory(self.device, f"{at_once} picture(s) of {size}") from error

    def _to_tensor(self, pictures: NDArray[np.uint8]) -> Tensor:
        """uint8 N H W 3 -> float N 3 H W in [-1, 1], contiguous: torch's group_norm loses digits in channels-last layout."""
        levels = torch.tensor(pictures, device=self._device)
        return (levels.permute(0, 3, 1, 2).float().contiguous() / 255 - 0.5) / 0.5

    def _try_out(self) -> None:
        """One pass over a fixed picture: weights that are finite may still overflow on the way."""
        side = self.image_size if not self.any_size else 32
        ramp = torch.linspace(-1, 1, 3 * side * side, device=self._device).view(1, 3, side, side)
        with torch.inference_mode():
            image = self._generator(ramp).image
        if not bool(torch.isfinite(image).all()):
            raise BadModelError(
                "the model's output is not finite (NaN or overflow): its weights are damaged or its training diverged",
                hint="use an earlier checkpoint of that training",
                name="model-not-finite",
            )


def _to_held(translation: Translation, statistics: Tensor, truncated: bool) -> Held:
    heatmaps = None if translation.heatmap is None else _to_map(translation)
    return Held(_to_levels(translation.image, truncated), heatmaps, statistics.cpu().numpy())


def _join(parts: list[Held]) -> Held:
    pictures, heatmaps, statistics = zip(*parts, strict=True)
    joined = None if heatmaps[0] is None else np.concatenate(heatmaps)
    return Held(np.concatenate(pictures), joined, np.concatenate(statistics))


def _to_map(translation: Translation) -> NDArray[np.float32]:
    assert translation.heatmap is not None
    heatmap: NDArray[np.float32] = translation.heatmap[:, 0].cpu().numpy()
    return heatmap


def _to_levels(image: Tensor, truncated: bool) -> NDArray[np.uint8]:
    """float N 3 H W in [-1, 1] -> uint8 N H W 3, rounded half to even as the writer of the official PyTorch code does, or down."""
    numbers = (image * 0.5 + 0.5).mul_(255)
    whole = numbers.floor_() if truncated else numbers.round_()
    levels = whole.clamp_(0, 255).byte()
    pixels: NDArray[np.uint8] = levels.permute(0, 2, 3, 1).contiguous().cpu().numpy()
    return pixels
