"""What runs a generator: one contract for pictures, folders, videos and training samples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

    from ..config import GeneratorConfig


class Backend(Protocol):
    """Pictures in, pictures out; normalisation happens inside, on the backend's device.

    Attributes:
        name: which program runs the network, such as "torch".
        provider: what of it really does, in its own words.
        device: where, as the user would write it: "cpu", "cuda", "mps".
        image_size: the side of the pictures that the model was trained on.
        any_size: whether other sides (multiples of 4) work too.
    """

    name: str
    provider: str
    device: str
    image_size: int
    any_size: bool

    def __call__(self, pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """N x H x W x 3 levels, RGB -> the same shape, translated."""
        ...

    def translate_with_heatmap(self, pictures: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """The translations and the CAM attention N x H/4 x W/4, unscaled."""
        ...


def load_backend(config: GeneratorConfig, tensors: dict[str, torch.Tensor], device: str) -> Backend:
    """A generator ready to run on `device` ("auto", "cpu", "cuda" or "mps").

    Raises:
        DeviceError: the device asked for is not there.
        BadModelError: the network gives numbers that are not finite.
    """
    from .pytorch import PytorchBackend

    return PytorchBackend(config, tensors, device)
