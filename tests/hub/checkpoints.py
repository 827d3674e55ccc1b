"""Checkpoints as the official TensorFlow code leaves them: an index, and one data file with holes where nobody looks."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ugatit_cli.crc32c import crc32c, masked

FOLDER = "UGATIT_selfie2anime_lsgan_4resblock_6dis_1_1_10_10_1000_sn_smoothing"
NAME = f"{FOLDER}/UGATIT.model-1000000"
INDEX, DATA = f"{NAME}.index", f"{NAME}.data-00000-of-00001"
MAGIC = struct.pack("<Q", 0xDB4775248B80FB57)
PIECE = 1 << 22  # numbers


@dataclass
class Place:
    shape: tuple[int, ...]
    offset: int
    size: int
    checksum: int


def generator_shapes(channels: int, blocks: int, size: int) -> dict[str, tuple[int, ...]]:
    """Of the full variant in the older layout, by name within the scope."""
    width = 4 * channels
    shapes: dict[str, tuple[int, ...]] = {}

    def convolution(name: str, side: int, inputs: int, outputs: int) -> None:
        shapes[f"{name}/conv2d/kernel"], shapes[f"{name}/conv2d/bias"] = (side, side, inputs, outputs), (outputs,)

    convolution("conv", 7, 3, channels)
    convolution("conv_0", 3, channels, 2 * channels)
    convolution("conv_1", 3, 2 * channels, width)
    for name, count in (("ins_norm", channels), ("ins_norm_0", 2 * channels), ("ins_norm_1", width)):
        shapes |= {f"{name}/{part}": (count,) for part in ("gamma", "beta")}
    for i in range(blocks):
        for n in (1, 2):
            convolution(f"resblock_{i}/res{n}/conv_0", 3, width, width)
            shapes |= {f"resblock_{i}/res{n}/instance_norm/{part}": (width,) for part in ("gamma", "beta")}
            convolution(f"adaptive_resblock{i}/res{n}/conv_0", 3, width, width)
            shapes[f"adaptive_resblock{i}/res{n}/instance_layer_norm/rho"] = (width,)
    shapes |= {"CAM_logit/kernel": (width, 1), "CAM_logit/bias": (1,)}
    shapes |= {"CAM_logit/dense/kernel": (width, 1), "CAM_logit/dense/bias": (1,)}
    convolution("conv_1x1", 1, 2 * width, width)
    inputs = width * (size // 4) ** 2
    for name, rows in (("linear_0", inputs), ("linear_1", width), ("gamma", width), ("beta", width)):
        shapes |= {f"MLP/{name}/dense/kernel": (rows, width), f"MLP/{name}/dense/bias": (width,)}
    for i, outputs in enumerate((2 * channels, channels)):
        convolution(f"up_conv_{i}", 3, 2 * outputs, outputs)
        shapes |= {f"layer_ins_norm_{i}/{part}": (outputs,) for part in ("rho", "gamma", "beta")}
    convolution("G_logit", 7, channels, 3)
    return shapes


def all_shapes(channels: int, blocks: int, size: int) -> dict[str, tuple[int, ...]]:
    """Both generators with what Adam remembered of them, and something of a discriminator."""
    found = {}
    for name, shape in generator_shapes(channels, blocks, size).items():
        for scope in ("generator_A", "generator_B"):
            found |= {f"{scope}/{name}{slot}": shape for slot in ("", "/Adam", "/Adam_1")}
    return found | {"discriminator_A/global/conv_0/kernel": (4, 4, 3, channels)}


def write_checkpoint(folder: Path, channels: int = 2, blocks: int = 1, size: int = 32) -> tuple[Path, Path]:
    """Index and data; only what `generator_B` needs holds numbers, the rest of the file is holes."""
    folder.mkdir(parents=True, exist_ok=True)
    index, data = folder / "UGATIT.model-1000000.index", folder / "UGATIT.model-1000000.data-00000-of-00001"
    places: dict[str, Place] = {}
    random, offset = np.random.default_rng(0), 0
    with data.open("wb") as file:
        for name, shape in sorted(all_shapes(channels, blocks, size).items(), key=lambda item: item[0].encode()):
            length, checksum = 4 * math.prod(shape), 0
            file.seek(offset)
            if name.startswith("generator_B/") and "/Adam" not in name:
                for piece in numbers(random, math.prod(shape)):
                    file.write(piece)
                    checksum = crc32c(piece, checksum)
            places[name] = Place(shape, offset, length, masked(checksum))
            offset += length
        file.truncate(offset)
    index.write_bytes(index_of(places))
    return index, data


def numbers(random: np.random.Generator, count: int) -> Iterator[bytes]:
    for first in range(0, count, PIECE):
        yield (random.standard_normal(min(PIECE, count - first), np.float32) * np.float32(0.02)).tobytes()


# ---- the index


def index_of(places: dict[str, Place]) -> bytes:
    """A table of LevelDB with one block of data."""
    entries = [(b"", field(1, 1))] + [(name.encode(), entry(place)) for name, place in places.items()]
    first = block(entries)
    statistics = block([])
    directory = block([(entries[-1][0], varint(0) + varint(len(first) - 5))])
    at = (len(first), len(first) + len(statistics))
    footer = varint(at[0]) + varint(len(statistics) - 5) + varint(at[1]) + varint(len(directory) - 5)
    return first + statistics + directory + footer.ljust(40, b"\0") + MAGIC


def block(entries: list[tuple[bytes, bytes]]) -> bytes:
    content = b"".join(varint(0) + varint(len(key)) + varint(len(value)) + key + value for key, value in entries)
    content += struct.pack("<II", 0, 1)
    return content + b"\0" + struct.pack("<I", masked(crc32c(content + b"\0")))


def entry(place: Place) -> bytes:
    shape = b"".join(message(2, field(1, side)) for side in place.shape)
    numbers = field(1, 1) + message(2, shape) + field(4, place.offset) + field(5, place.size)
    return numbers + varint(6 << 3 | 5) + struct.pack("<I", place.checksum)


def field(number: int, value: int) -> bytes:
    return varint(number << 3) + varint(value)


def message(number: int, content: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(content)) + content


def varint(value: int) -> bytes:
    groups = []
    while value > 0x7F:
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*groups, value])
