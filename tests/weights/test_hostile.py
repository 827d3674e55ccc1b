"""Damaged files of every kind end in a documented error: made by mutation here, and the shared collection."""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from weights.official_files import TINY, generator_state, save

from ugatit_cli import weights
from ugatit_cli.config import GeneratorConfig
from ugatit_cli.errors import BadModelError, RefusedError, UgatitError

MUTATIONS = 1200  # of each file; `pytest -m slow` tries more


def write_zip(path: Path) -> None:
    save(path, {"genA2B": generator_state(TINY)})


def write_legacy(path: Path) -> None:
    save(path, {"genA2B": generator_state(TINY)}, legacy=True)


def write_ours(path: Path) -> None:
    shapes = weights.generator_shapes(TINY)
    weights.save(path, TINY, {"a2b": {name: torch.ones(shape) for name, shape in shapes.items()}}, metadata={})


def mutate(content: bytes, dice: random.Random, tables: list[range]) -> bytes:
    """One change somewhere; half of them in the tables of contents, which are small beside the numbers."""
    where = dice.choice(tables) if dice.random() < 0.5 else range(len(content))
    at = dice.choice(where)
    kind = dice.choice(["flip", "byte", "cut", "insert", "delete", "copy"])
    if kind == "flip":
        return content[:at] + bytes([content[at] ^ 1 << dice.randrange(8)]) + content[at + 1 :]
    if kind == "byte":
        return (
            content[:at] + bytes([dice.choice([0, 1, 0x2E, 0x7F, 0x80, 0xFF, dice.randrange(256)])]) + content[at + 1 :]
        )
    if kind == "cut":
        return content[:at]
    if kind == "insert":
        return content[:at] + dice.randbytes(dice.choice([1, 2, 8])) + content[at:]
    if kind == "delete":
        return content[:at] + content[at + dice.choice([1, 2, 8, 64]) :]
    source = dice.choice(where)
    return content[:at] + content[source : source + 8] + content[at + 8 :]


def fuzz(write: Callable[[Path], None], count: int, folder: Path) -> int:
    """How many of `count` mutated files still load; every other one must end in an error for the user."""
    path = folder / "model"
    write(path)
    good = path.read_bytes()
    tables = [range(min(6000, len(good))), range(max(0, len(good) - 3000), len(good))]
    if b"data.pkl" in good[:100]:
        tables = [range(good.index(b"\x80\x02"), good.index(b"\x80\x02") + 4000), tables[1]]
    dice, loaded = random.Random(1), 0
    for number in range(count):
        path.write_bytes(mutate(good, dice, tables))
        try:
            model = weights.load(path)
            tensors = model.generators.get("a2b", {})
        except (BadModelError, RefusedError):
            continue
        except BaseException as error:
            error.add_note(f"mutation {number}")
            raise
        loaded += 1
        assert model.config.channels == TINY.channels
        assert all(tensor.isfinite().all() for tensor in tensors.values())
    return loaded


@pytest.mark.parametrize("write", [write_zip, write_legacy, write_ours])
def test_mutated_files_end_in_a_documented_error(write: Callable[[Path], None], tmp_path: Path) -> None:
    assert fuzz(write, MUTATIONS, tmp_path) < MUTATIONS


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("write", [write_zip, write_legacy, write_ours])
def test_many_more_mutated_files(write: Callable[[Path], None], tmp_path: Path) -> None:
    assert fuzz(write, 35_000, tmp_path) < 35_000


FOR_THE_BACKEND = {"CKP-26.3"}  # finite weights whose pictures are not: found by the first forward pass
FITS_AFTER_ALL = {"CKP-30"}  # a full generator of 32 pixels: its size is read off its shapes, so nothing is wrong


def outcome(path: Path) -> tuple[int, str]:
    """Exit code and message of opening `path`."""
    try:
        loaded = weights.load(path)
        assert all(map(loaded.generator, loaded.generators))  # read when they are asked for
    except UgatitError as error:
        return int(error.exit_code), f"{error.message}\n{error.hint}"
    return 0, ""


def shortfalls(case: dict[str, Any], root: Path) -> list[str]:
    expected = case["expect"]
    begin = time.process_time()  # the core may be shared
    code, message = outcome(root / case["path"])
    seconds = time.process_time() - begin
    codes = expected["exit"] if isinstance(expected["exit"], list) else [expected["exit"]]
    found = [] if code in codes else [f"exit code {code}, not {codes}"]
    if not re.search(expected["message"], message, re.IGNORECASE):
        found.append(f"{message!r} does not say {expected['message']}")
    return found if seconds <= expected["max_seconds"] else [*found, f"took {seconds:.1f} s"]


def test_the_shared_collection_of_bad_checkpoints(shared: Path, tmp_path: Path) -> None:
    folder = tmp_path / "cases"
    maker = str(shared / "hostile" / "make_hostile.py")
    subprocess.run([sys.executable, maker, str(folder), "--group", "ckpt"], check=True, capture_output=True)
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    cases = [case for case in manifest["cases"] if case["id"] not in FOR_THE_BACKEND | FITS_AFTER_ALL]
    assert len(cases) > 70
    assert {case["id"]: found for case in cases if (found := shortfalls(case, folder))} == {}
    assert list(Path(manifest["canary"]).iterdir()) == [], "code from a checkpoint ran"


def test_the_full_generator_that_fits_after_all(tmp_path: Path) -> None:
    config = GeneratorConfig("full", channels=8, blocks=2, image_size=32)
    assert weights.load(save(tmp_path / "full.pt", generator_state(config))).config == config
