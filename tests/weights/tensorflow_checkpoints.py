"""Checkpoints as TensorFlow writes them, of any arrays; and random ones of the official code's variables."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ugatit_cli.config import GeneratorConfig
from ugatit_cli.crc32c import crc32c, masked

Variables = dict[str, NDArray[np.generic]]

NAME = "UGATIT.model-1000"
MAGIC = struct.pack("<Q", 0xDB4775248B80FB57)
TYPES = {"float32": 1, "float64": 2, "int32": 3, "int64": 9, "float16": 19}


def index_path(folder: Path) -> Path:
    return folder / f"{NAME}.index"


def write(folder: Path, variables: Variables, shards: int = 1) -> Path:
    """Index and data files, the variables dealt out among them in turn; the folder again."""
    folder.mkdir(parents=True, exist_ok=True)
    parts: list[list[bytes]] = [[] for _ in range(shards)]
    entries = [(b"", field(1, shards))]
    for number, name in enumerate(sorted(variables, key=str.encode)):
        part, data = parts[number % shards], variables[name].tobytes()
        offset = sum(map(len, part))
        entries.append((name.encode(), entry(variables[name], number % shards, offset, data)))
        part.append(data)
    for shard, part in enumerate(parts):
        (folder / f"{NAME}.data-{shard:05}-of-{shards:05}").write_bytes(b"".join(part))
    index_path(folder).write_bytes(table(entries))
    return folder


def random_variables(config: GeneratorConfig, *, older: bool = False, slots: bool = False, seed: int = 0) -> Variables:
    """Of both generators; every rho in [0, 1]. `slots`: with what the optimiser remembers, and a discriminator."""
    random = np.random.default_rng(seed)
    found: Variables = {}
    for scope in ("generator_A", "generator_B"):
        for name, shape in generator_shapes(config, older=older).items():
            values = random.uniform(0, 1, shape) if name.endswith("rho") else random.normal(0, 0.1, shape)
            found[f"{scope}/{name}"] = values.astype(np.float32)
    if slots:
        found |= {f"{name}/{slot}": np.zeros_like(found[name]) for name in list(found) for slot in ("Adam", "Adam_1")}
        found |= {
            "beta1_power": np.array(0.5, np.float32),
            "discriminator_A/local/conv_0/kernel": np.ones((4, 4, 3, 2)),
        }
    return found


def generator_shapes(config: GeneratorConfig, *, older: bool = False) -> dict[str, tuple[int, ...]]:
    """By name within the scope, written down from the official code's list of variables."""
    c, m = config.channels, 4 * config.channels
    inputs = m if config.variant == "light" else m * (config.image_size // 4) ** 2
    convolutions = {
        "conv": (7, 7, 3, c),
        "conv_0": (3, 3, c, 2 * c),
        "conv_1": (3, 3, 2 * c, m),
        "conv_1x1": (1, 1, 2 * m, m),
    }
    convolutions |= {"up_conv_0": (3, 3, m, 2 * c), "up_conv_1": (3, 3, 2 * c, c), "G_logit": (7, 7, c, 3)}
    vectors = {
        f"{norm}/{part}": n
        for norm, n in (("ins_norm", c), ("ins_norm_0", 2 * c), ("ins_norm_1", m))
        for part in ("gamma", "beta")
    }
    vectors |= {f"layer_ins_norm_{i}/{part}": n for i, n in ((0, 2 * c), (1, c)) for part in ("rho", "gamma", "beta")}
    for block in range(config.blocks):
        for half in ("res1", "res2"):
            convolutions[f"resblock_{block}/{half}/conv_0"] = (3, 3, m, m)
            convolutions[f"adaptive_resblock{block}/{half}/conv_0"] = (3, 3, m, m)
            vectors |= {f"resblock_{block}/{half}/instance_norm/{part}": m for part in ("gamma", "beta")}
            vectors[f"adaptive_resblock{block}/{half}/instance_layer_norm/rho"] = m
    shapes: dict[str, tuple[int, ...]] = {"CAM_logit/kernel": (m, 1), "CAM_logit/bias": (1,)}
    if older:
        shapes |= {"CAM_logit/dense/kernel": (m, 1), "CAM_logit/dense/bias": (1,)}
    for layer, shape in convolutions.items():
        shapes |= {f"{layer}/conv2d/kernel": shape, f"{layer}/conv2d/bias": shape[3:]}
    for layer, rows in (("linear_0", inputs), ("linear_1", m), ("gamma", m), ("beta", m)):
        shapes |= {f"MLP/{layer}/dense/kernel": (rows, m), f"MLP/{layer}/dense/bias": (m,)}
    return shapes | {name: (size,) for name, size in vectors.items()}


# ---- the index: a table of LevelDB, whose values are protocol buffers


def table(entries: list[tuple[bytes, bytes]], per_block: int = 1 << 30, restart: int = 16) -> bytes:
    """`per_block` entries in each block, keys shortened but for each `restart`-th."""
    content, directory = b"", []
    for first in range(0, len(entries), per_block):
        part = entries[first : first + per_block]
        made = block(part, restart)
        directory.append((part[-1][0], varint(len(content)) + varint(len(made) - 5)))
        content += made
    statistics, listing = block([], restart), block(directory, 1)
    places = [len(content), len(statistics) - 5, len(content) + len(statistics), len(listing) - 5]
    return content + statistics + listing + b"".join(map(varint, places)).ljust(40, b"\0") + MAGIC


def block(entries: list[tuple[bytes, bytes]], restart: int) -> bytes:
    content, starts, before = b"", [], b""
    for number, (key, value) in enumerate(entries):
        shared = 0
        if number % restart == 0:
            starts.append(len(content))
        else:
            while shared < min(len(key), len(before)) and key[shared] == before[shared]:
                shared += 1
        content += varint(shared) + varint(len(key) - shared) + varint(len(value)) + key[shared:] + value
        before = key
    content += struct.pack(f"<{len(starts or [0])}I", *(starts or [0])) + struct.pack("<I", len(starts or [0]))
    return summed(content + b"\0")


def summed(content: bytes) -> bytes:
    """A block and its kind with their checksum."""
    return content + struct.pack("<I", masked(crc32c(content)))


def entry(array: NDArray[np.generic], shard: int, offset: int, data: bytes) -> bytes:
    shape = b"".join(message(2, field(1, side)) for side in array.shape)
    numbers = (
        field(1, TYPES[array.dtype.name]) + message(2, shape) + field(3, shard) + field(4, offset) + field(5, len(data))
    )
    return numbers + varint(6 << 3 | 5) + struct.pack("<I", masked(crc32c(data)))


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
