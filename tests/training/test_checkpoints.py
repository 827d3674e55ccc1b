"""A checkpoint is whole or not there, whatever fails, and nothing damaged is ever loaded."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ugatit_cli.errors import BadModelError, ResourceError
from ugatit_cli.training.best import BEST_WEIGHTS, Best, read_best, record_best
from ugatit_cli.training.checkpoint_files import MANIFEST
from ugatit_cli.training.checkpoints import (
    FILES,
    STATE,
    checkpoint_bytes,
    checkpoints,
    load_checkpoint,
    read_config,
    save_checkpoint,
    write_config,
)
from ugatit_cli.training.config import TrainConfig
from ugatit_cli.training.step import Trainer

CPU = torch.device("cpu")
TINY = TrainConfig(a=Path("a"), b=Path("b"), size=32, channels=2, blocks=1, discriminator_channels=2)


@pytest.fixture(scope="module")
def trainer() -> Trainer:
    """After one step, so that the optimisers hold something."""
    from ugatit_cli.training.data import Batch

    trainer = Trainer(TINY, CPU)
    trainer.advance(Batch(torch.rand(1, 3, 32, 32), torch.rand(1, 3, 32, 32)))
    return trainer


@pytest.fixture(scope="module")
def two(trainer: Trainer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with two checkpoints, 5 and 6; to be copied before it is damaged."""
    run = tmp_path_factory.mktemp("two")
    for trainer.step in (5, 6):
        save_checkpoint(run, trainer, {})
    return run


def at(trainer: Trainer, step: int) -> Trainer:
    trainer.step = step
    return trainer


def resumed(run: Path) -> int:
    fresh = Trainer(TINY, CPU)
    load_checkpoint(run, fresh)
    return fresh.step


def test_the_size_is_known_before_it_is_written(trainer: Trainer, tmp_path: Path) -> None:
    folder = save_checkpoint(tmp_path, at(trainer, 1), {})
    real = sum(file.stat().st_size for file in folder.iterdir())
    assert real <= checkpoint_bytes(trainer) <= real + 2**20


def test_a_full_disk_is_noticed_before_anything_is_written(
    trainer: Trainer, two: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Path(shutil.copytree(two, tmp_path / "run"))
    free = shutil.disk_usage(run)._replace(free=checkpoint_bytes(trainer) - 1)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: free)
    with pytest.raises(ResourceError, match=r"needs .* GB of disk, and .* GB are free"):
        save_checkpoint(run, at(trainer, 7), {})
    assert sorted(path.name for path in run.iterdir()) == ["step-00000005", "step-00000006"]


def failing(function: Callable[..., Any], calls: list[int], at_call: int) -> Callable[..., Any]:
    def call(*arguments: Any, **options: Any) -> Any:
        calls[0] += 1
        if calls[0] == at_call:
            raise OSError(errno.ENOSPC, "No space left on device")
        return function(*arguments, **options)

    return call


def test_whichever_write_fails_the_older_checkpoints_are_whole(
    trainer: Trainer, two: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first call to the system that changes the disk fails, then the second ... until the save gets through."""
    failures = 0
    for at_call in range(1, 100):
        run = Path(shutil.copytree(two, tmp_path / f"run{at_call}"))
        calls = [0]
        with monkeypatch.context() as patch:
            for name in ("replace", "fsync"):
                patch.setattr(
                    f"ugatit_cli.training.checkpoint_files.os.{name}", failing(getattr(os, name), calls, at_call)
                )
            patch.setattr(Path, "write_bytes", failing(Path.write_bytes, calls, at_call))
            patch.setattr(Path, "mkdir", failing(Path.mkdir, calls, at_call))
            try:
                save_checkpoint(run, at(trainer, 7), {})
            except ResourceError:
                failures += 1
                assert resumed(run) in (6, 7)
                continue
        assert resumed(run) == 7
        break
    assert failures >= 12


def damage(path: Path, kind: str, position: float) -> None:
    data = bytearray(path.read_bytes())
    where = int(position * (len(data) - 1))
    if kind == "cut":
        path.write_bytes(data[:where])
    elif kind == "flip":
        data[where] ^= 0x10
        path.write_bytes(data)
    else:
        path.unlink()
        if kind == "folder":
            path.mkdir()


@hypothesis_settings(max_examples=60)
@given(
    name=st.sampled_from(sorted(FILES | {MANIFEST})),
    kind=st.sampled_from(["cut", "flip", "remove", "folder"]),
    position=st.floats(0, 1),
)
def test_a_damaged_checkpoint_is_passed_over(
    name: str, kind: str, position: float, two: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    run = Path(shutil.copytree(two, tmp_path_factory.mktemp("damaged") / "run"))
    damage(run / "step-00000006" / name, kind, position)
    fresh = Trainer(TINY, CPU)
    warnings = load_checkpoint(run, fresh)
    # a flipped space in the manifest's layout changes nothing that it says
    assert (fresh.step, warnings) in [(5, ["checkpoint step-00000006 is damaged"]), (6, [])]
    assert fresh.step == 5 or name == MANIFEST


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=20), inner, max_size=3),
    max_leaves=6,
)


@given(manifest=JSON | st.just({"../outside": {"sha256": "", "bytes": 1}}))
def test_no_manifest_is_believed_that_does_not_name_our_files(
    manifest: Any, two: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    run = Path(shutil.copytree(two, tmp_path_factory.mktemp("manifest") / "run"))
    (run / "step-00000006" / MANIFEST).write_text(json.dumps(manifest))
    assert resumed(run) == 5


def test_a_deep_manifest_is_damaged(two: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(two, tmp_path / "run"))
    (run / "step-00000006" / MANIFEST).write_text("[" * 100_000)
    assert resumed(run) == 5


def test_another_shape_is_not_loaded(two: Path) -> None:
    with pytest.raises(BadModelError, match="does not fit the settings"):
        load_checkpoint(two, Trainer(TINY.model_copy(update={"channels": 3}), CPU))


def test_an_older_state_without_the_newer_fields_is_loaded(trainer: Trainer, tmp_path: Path) -> None:
    """As version 0.1 wrote it: step, config and versions."""
    from ugatit_cli.training.checkpoint_files import write_folder
    from ugatit_cli.training.checkpoints import _contents

    contents = dict(_contents(at(trainer, 4), {}))
    contents[STATE] = json.dumps({"step": 4, "config": {}, "versions": {}}).encode()
    write_folder(tmp_path / "step-00000004", contents)
    assert resumed(tmp_path) == 4


def test_the_environment_is_kept(trainer: Trainer, tmp_path: Path) -> None:
    folder = save_checkpoint(tmp_path, at(trainer, 3), {"device": "abacus"})
    assert json.loads((folder / STATE).read_text())["environment"]["device"] == "abacus"


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"a": "x", "b": "y", "colour": 3}', '{"a": "x", "b": "y", "size": 7}']
)
def test_a_config_that_is_none_is_bad(text: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(BadModelError, match=r"config.json is missing or damaged"):
        read_config(tmp_path)


def test_the_best_is_kept_beyond_the_last_three(trainer: Trainer, tmp_path: Path) -> None:
    for step in range(1, 8):
        save_checkpoint(tmp_path, at(trainer, step), {}, keep=frozenset({2}))
    assert [path.name[-1] for path in checkpoints(tmp_path)] == ["2", "5", "6", "7"]


def test_the_best_is_read_from_its_weights(trainer: Trainer, tmp_path: Path) -> None:
    assert read_best(tmp_path) is None
    record_best(tmp_path, at(trainer, 4), 0.25, "protocol")
    assert read_best(tmp_path) == Best(4, 0.25, "protocol")
    (tmp_path / "best.json").write_text("{")
    assert read_best(tmp_path) == Best(4, 0.25, "protocol")
    damage(tmp_path / BEST_WEIGHTS, "cut", 0.5)
    assert read_best(tmp_path) is None


def test_settings_come_back(tmp_path: Path) -> None:
    write_config(tmp_path / "run", TINY)
    assert read_config(tmp_path / "run") == TINY
