"""The programs that can run a network, each with the devices that it knows."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import Final

MODULES: Final = {"onnx": "onnxruntime", "torch": "torch", "openvino": "openvino"}
TITLES: Final = {"onnx": "ONNX Runtime", "torch": "PyTorch", "openvino": "OpenVINO"}
PROBES: Final = {"onnx": "onnx_runtime", "torch": "pytorch", "openvino": "openvino_runtime"}
DEVICES: Final = {"cpu": "the CPU", "cuda": "CUDA", "tensorrt": "TensorRT", "mps": "MPS"}


@dataclass(frozen=True)
class Way:
    """One program on one device.

    Attributes:
        backend, device: as the options call them.
        word: what the program itself calls the device.
    """

    backend: str
    device: str
    word: str

    @property
    def name(self) -> str:
        """Of its finding."""
        return f"{self.backend}-{self.device}"

    @property
    def title(self) -> str:
        return f"{TITLES[self.backend]} on {DEVICES[self.device]}"

    @property
    def module(self) -> str:
        return MODULES[self.backend]

    @property
    def probe(self) -> str:
        return PROBES[self.backend]

    @property
    def installed(self) -> bool:
        return find_spec(self.module) is not None

    def on_cpu(self) -> Way:
        return next(way for way in WAYS if (way.backend, way.device) == (self.backend, "cpu"))


WAYS: Final = (
    Way("onnx", "cpu", "CPUExecutionProvider"),
    Way("onnx", "cuda", "CUDAExecutionProvider"),
    Way("onnx", "tensorrt", "TensorrtExecutionProvider"),
    Way("torch", "cpu", "cpu"),
    Way("torch", "cuda", "cuda"),
    Way("torch", "mps", "mps"),
    Way("openvino", "cpu", "CPU"),
)
