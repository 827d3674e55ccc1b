"""A checkpoint is whole or not there, whatever happens to it, and brings back every bit."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file
from training.faults import NEED_SPACE, Countdown, before_call, calls_of, disk_full, worth_trying
from training.tiny import assert_same_bits, contents, everything, names, trained, untrained

from ugatit_cli import weights
from ugatit_cli.errors import BadModelError, DivergedError, OutputError, ResourceError, UsageError
from ugatit_cli.training.best import Best, mend_best, read_best, save_weights
from ugatit_cli.training.checkpoint_files import MANIFEST, NETWORKS, REQUIRED, STATE, WEIGHTS, list_checkpoints, verify
from ugatit_cli.training.checkpoints import (
    load_checkpoint,
    read_newest_networks,
    record_best,
    save_checkpoint,
)
from ugatit_cli.training.disk_space import checkpoint_bytes, disk_need, disk_need_of, require_space, weights_bytes
from ugatit_cli.training.run_config import read_config, write_config
from ugatit_cli.training.run_lock import hold
from ugatit_cli.training.step import Trainer
from ugatit_cli.training.trainer_state import tensors_by_file
from ugatit_cli.weights.tensor_chunks import tensor_file_chunks

REPOSITORY = Path(__file__).resolve().parents[2]
FILES = sorted({*REQUIRED, MANIFEST})


@pytest.fixture(scope="module")
def trainer() -> Trainer:
    """After its first step; tests that change it use one of their own."""
    return trained()


@pytest.fixture(scope="module")
def saved(trainer: Trainer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with checkpoints of the steps 1 and 2, which hold the same tensors. It is only read."""
    return save_steps(tmp_path_factory.mktemp("saved") / "run", trainer, 1, 2)


@pytest.fixture
def run(saved: Path, tmp_path: Path) -> Path:
    """A copy of `saved` to be harmed."""
    return Path(shutil.copytree(saved, tmp_path / "run"))


def save_steps(run: Path, trainer: Trainer, *steps: int) -> Path:
    for step in steps:
        trainer.step = step
        save_checkpoint(run, trainer)
    return run


def sign_again(folder: Path) -> None:
    """Make the manifest true of what is there now, as somebody with bad intentions would."""
    manifest = {}
    for path in sorted(folder.iterdir()):
        if path.name != MANIFEST and path.is_file():
            data = path.read_bytes()
            manifest[path.name] = {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    (folder / MANIFEST).write_text(json.dumps(manifest))


# ------------------------------------------------------------------------------------------------- there and back


def test_everything_comes_back_bit_for_bit(trainer: Trainer, saved: Path) -> None:
    other = untrained(seed=1)
    assert load_checkpoint(saved, other) == []
    assert other.step == 2
    assert_same_bits(other, trainer)


def test_what_no_tensor_holds_comes_back(tmp_path: Path) -> None:
    trainer, other = untrained(), untrained()
    trainer.order, trainer.untranslated_steps = 3, 70
    trainer.accelerator.scaler = torch.amp.GradScaler("cpu", init_scale=4096, growth_interval=5)
    other.accelerator.scaler = torch.amp.GradScaler("cpu")
    before = trainer.scaler_state
    save_checkpoint(tmp_path, trainer)
    load_checkpoint(tmp_path, other)
    assert (other.order, other.untranslated_steps, other.scaler_state) == (3, 70, before)
    assert before is not None and before["scale"] == 4096


def test_a_loss_scale_of_other_fields_does_not_fit(tmp_path: Path) -> None:
    trainer = untrained()
    trainer.accelerator.scaler = torch.amp.GradScaler("cpu")
    folder = save_checkpoint(tmp_path, trainer)
    state = json.loads((folder / STATE).read_text())
    state["scaler"] = {"size": 1.0}
    (folder / STATE).write_text(json.dumps(state))
    sign_again(folder)
    with pytest.raises(BadModelError, match="does not fit this run: the loss scale"):
        load_checkpoint(tmp_path, trainer)


def test_a_loss_scale_is_left_out_where_there_is_none(tmp_path: Path) -> None:
    trainer, other = untrained(), untrained()
    trainer.accelerator.scaler = torch.amp.GradScaler("cpu")
    save_checkpoint(tmp_path, trainer)
    assert load_checkpoint(tmp_path, other) == []
    assert other.scaler_state is None


def test_the_state_is_described_for_people_too(tmp_path: Path, trainer: Trainer) -> None:
    trainer.step = 2
    folder = save_checkpoint(tmp_path, trainer, {"device": "cpu", "cores": 2, "path": Path("x")})
    state = json.loads((folder / STATE).read_text())
    assert state["environment"] == {"device": "cpu", "cores": 2, "path": "x"}
    assert state["data_position"] == {"seed": 0, "order": 0, "next_step": 3}
    assert state["versions"].keys() == {"ugatit", "torch"}
    assert state["config"]["size"] == 32


def test_a_checkpoint_from_before_the_newer_fields_is_read(run: Path, trainer: Trainer) -> None:
    folder = run / "step-00000002"
    state = json.loads((folder / STATE).read_text())
    (folder / STATE).write_text(json.dumps({name: state[name] for name in ("step", "config", "versions")}))
    sign_again(folder)
    other = untrained()
    other.order = other.untranslated_steps = 5
    assert load_checkpoint(run, other) == []
    assert (other.step, other.order, other.untranslated_steps) == (2, 0, 0)
    assert_same_bits(other, trainer)


def test_other_programs_read_the_tensors(trainer: Trainer, saved: Path) -> None:
    for name, tensors in tensors_by_file(trainer).items():
        read = load_file(saved / "step-00000001" / name)
        assert read.keys() == tensors.keys()
        assert all(
            torch.equal(read[key], tensor) and read[key].dtype == tensor.dtype for key, tensor in tensors.items()
        )


def test_tensors_are_not_copied_to_be_written() -> None:
    tensor = torch.arange(6.0).reshape(2, 3)
    _, data = tensor_file_chunks({"x": tensor})
    assert np.shares_memory(np.frombuffer(data, np.float32), tensor.numpy())


def test_moments_take_the_memory_layout_of_their_parameters(run: Path, trainer: Trainer) -> None:
    """The fused optimiser walks over both by address."""
    other = untrained()
    other.networks.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    load_checkpoint(run, other)
    for optimizer in (other.generator_optimizer, other.discriminator_optimizer):
        for parameter in optimizer.param_groups[0]["params"]:
            assert optimizer.state[parameter]["exp_avg"].stride() == parameter.stride()
    assert_same_bits(other, trainer)


def test_networks_for_another_run(run: Path, trainer: Trainer) -> None:
    networks = read_newest_networks(run)
    expected = trainer.networks.state_dict()
    assert networks.keys() == expected.keys()
    assert all(torch.equal(networks[name], expected[name]) for name in expected)


def test_weights_that_are_not_finite_are_never_saved(run: Path) -> None:
    """The losses of a step are taken before its update, so the last update may have broken the weights unseen."""
    before = contents(run)
    broken = untrained()
    broken.step = 8
    with torch.no_grad():
        broken.networks.local_discriminator_a.head.weight[0, 0] = float("inf")
    with pytest.raises(DivergedError, match=r"step 8.*local_discriminator_a\.head\.weight"):
        save_checkpoint(run, broken)
    assert contents(run) == before


# ------------------------------------------------------------------------------------------------------- rotation


def test_three_checkpoints_are_kept_and_the_best_one(tmp_path: Path, trainer: Trainer) -> None:
    save_steps(tmp_path, trainer, 1)
    record_best(tmp_path, trainer, 0.5, "builtin-v1")
    save_steps(tmp_path, trainer, 2, 3, 4, 5)
    assert sorted(path.name for path in tmp_path.glob("step-*")) == [f"step-0000000{n}" for n in (1, 3, 4, 5)]
    record_best(tmp_path, trainer, 0.4, "builtin-v1")
    save_steps(tmp_path, trainer, 6)
    assert sorted(path.name for path in tmp_path.glob("step-*")) == [f"step-0000000{n}" for n in (4, 5, 6)]


def test_steps_of_nine_digits_are_the_newer_ones(tmp_path: Path, trainer: Trainer) -> None:
    save_steps(tmp_path, trainer, 99_999_998, 99_999_999, 100_000_000, 100_000_001)
    assert len(list(tmp_path.glob("step-*"))) == 3
    other = untrained()
    load_checkpoint(tmp_path, other)
    assert other.step == 100_000_001


def test_damaged_checkpoints_of_later_steps_do_not_push_out_whole_ones(run: Path, trainer: Trainer) -> None:
    save_steps(run, trainer, 6, 7, 8)
    for name in ("step-00000006", "step-00000007", "step-00000008"):
        (run / name / NETWORKS).unlink()
    shutil.copytree(save_steps(run.parent / "other", trainer, 2) / "step-00000002", run / "step-00000002")
    other = untrained()
    assert len(load_checkpoint(run, other)) == 3
    other.step = 3
    save_checkpoint(run, other)
    assert names(run) == ["step-00000002", "step-00000003"]


def test_what_killed_saves_left_is_removed(run: Path, trainer: Trainer) -> None:
    for name in (".step-00000001.building", ".step-00000003.removing", ".step-00000002.replaced"):
        (run / name).mkdir()
        (run / name / NETWORKS).write_bytes(b"half")
    (run / ".step-other").mkdir()
    save_steps(run, trainer, 3)
    assert names(run) == [".step-other", "step-00000001", "step-00000002", "step-00000003"]


def test_a_step_can_be_saved_again(run: Path, trainer: Trainer) -> None:
    save_steps(run, trainer, 2)
    assert names(run) == ["step-00000001", "step-00000002"]
    assert load_checkpoint(run, untrained()) == []


def test_one_that_was_set_aside_counts_until_the_other_has_come(run: Path, trainer: Trainer) -> None:
    (run / "step-00000002").rename(run / ".step-00000002.replaced")
    other = untrained()
    assert load_checkpoint(run, other) == []
    assert other.step == 2


# --------------------------------------------------------------------------------------------------------- damage


def truncated(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def bit_flipped(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def removed(path: Path) -> None:
    path.unlink()


def folder_instead(path: Path) -> None:
    path.unlink()
    path.mkdir()


def pipe_instead(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)  # whoever opened it would wait for ever


def link_outside(path: Path) -> None:
    """To a file with the very bytes, so that following it would go unnoticed."""
    shutil.move(path, path.parents[2] / path.name)
    path.symlink_to(path.parents[2] / path.name)


@pytest.mark.skipif(sys.platform == "win32", reason="pipes and links")
@pytest.mark.parametrize(
    "harm",
    [truncated, emptied, bit_flipped, removed, folder_instead, pipe_instead, link_outside],
    ids=lambda f: f.__name__,
)
@pytest.mark.parametrize("name", FILES)
def test_a_damaged_checkpoint_is_passed_over_and_named(name: str, harm: Callable[[Path], None], run: Path) -> None:
    harm(run / "step-00000002" / name)
    other = untrained()
    (warning,) = load_checkpoint(run, other)
    assert other.step == 1
    assert warning.startswith("checkpoint step-00000002 is damaged: ")
    if name == MANIFEST and harm is bit_flipped:
        return  # the flipped bit may lie in what it says of any file
    assert name in warning


@pytest.mark.parametrize("kind", ["file", "link", "nothing in it"])
def test_what_is_no_checkpoint_at_all_is_passed_over(kind: str, run: Path) -> None:
    newest = run / "step-00000003"
    if kind == "file":
        newest.write_bytes(b"x")
    elif kind == "link":
        newest.symlink_to(run / "step-00000002")
    else:
        newest.mkdir()
    other = untrained()
    (warning,) = load_checkpoint(run, other)
    assert other.step == 2
    assert "step-00000003 is damaged" in warning


def test_no_checkpoint_at_all_is_an_error(run: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for folder in (tmp_path / "empty", tmp_path / "missing"):
        with pytest.raises(BadModelError, match="holds no checkpoint: it ended before its first"):
            load_checkpoint(folder, untrained())
    for name in ("step-00000001", "step-00000002"):
        removed(run / name / STATE)
    with pytest.raises(
        BadModelError, match="no undamaged checkpoint: checkpoint step-00000002 .* state.json is missing"
    ):
        read_newest_networks(run)


def test_a_checkpoint_of_other_settings_does_not_fit_and_changes_nothing(saved: Path) -> None:
    other = untrained(channels=8)
    before = {name: tensor.clone() for name, tensor in everything(other).items()}
    with pytest.raises(BadModelError, match=r"does not fit this run: networks.safetensors: .* another shape"):
        load_checkpoint(saved, other)
    assert other.step == 0
    assert all(torch.equal(before[name], tensor) for name, tensor in everything(other).items())


DIGEST = "0" * 64


@pytest.mark.parametrize(
    "manifest",
    [
        b"",
        b"[]",
        b"{}",
        b"null",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"\xff\xfe",
        b"9" * 10_000,
        b'{"networks.safetensors": 5}',
        b'{"networks.safetensors": {"sha256": 5, "bytes": 1}}',
        b'{"networks.safetensors": {"sha256": "' + DIGEST.encode() + b'", "bytes": ' + b"9" * 5000 + b"}}",
        b'{"networks.safetensors": {"sha256": "' + DIGEST.encode() + b'", "bytes": 1e999}}',
        b'{"networks.safetensors": {"sha256": "' + DIGEST.encode() + b'", "bytes": NaN}}',
        b'{"networks.safetensors": {"sha256": "' + DIGEST.encode() + b'", "bytes": -1}}',
        b" " * (2 << 20),
    ],
    ids=lambda data: repr(data[:40])[2:-1] + f"-{len(data)}",
)
def test_a_manifest_that_makes_no_sense(manifest: bytes, run: Path) -> None:
    (run / "step-00000002" / MANIFEST).write_bytes(manifest)
    (warning,) = load_checkpoint(run, untrained())
    assert "MANIFEST.json" in warning


@pytest.mark.parametrize(
    "name",
    [
        "../x.bin",
        "/etc/hostname",
        "..",
        ".",
        "",
        "a/../../x.bin",
        "..\\x.bin",
        "C:x.bin",
        "x\0.bin",
        "~/x.bin",
        "x.bin\n",
    ],
)
def test_names_that_lead_outside_are_refused(name: str, run: Path) -> None:
    (run / "x.bin").write_bytes(b"secret")
    path = run / "step-00000002" / MANIFEST
    manifest = json.loads(path.read_text())
    manifest[name] = {"sha256": hashlib.sha256(b"secret").hexdigest(), "bytes": 6}
    path.write_text(json.dumps(manifest))
    (warning,) = load_checkpoint(run, untrained())
    assert warning == "checkpoint step-00000002 is damaged: MANIFEST.json has a name that is not a plain file's"


def test_a_name_of_any_length_is_only_missing(run: Path) -> None:
    path = run / "step-00000002" / MANIFEST
    path.write_text(json.dumps(json.loads(path.read_text()) | {"x" * 5000 + ".bin": {"sha256": DIGEST, "bytes": 1}}))
    (warning,) = load_checkpoint(run, untrained())
    assert "step-00000002 is damaged" in warning


STATES: list[dict[str, Any]] = [
    {"step": -1},
    {"step": 10**30},
    {"step": "two"},
    {"step": 2.5},
    {"step": None},
    {"step": 2, "order": -1},
    {"step": 2, "order": 2**40},
    {"step": 2, "scaler": [1]},
    {"step": 2, "scaler": {"scale": "large"}},
    {},
]


@pytest.mark.parametrize("state", STATES, ids=str)
def test_a_state_that_makes_no_sense(state: dict[str, Any], run: Path) -> None:
    folder = run / "step-00000002"
    (folder / STATE).write_text(json.dumps(state))
    sign_again(folder)
    other = untrained()
    (warning,) = load_checkpoint(run, other)
    assert "state.json does not describe a trainer" in warning
    assert (other.step, other.order) == (1, 0)


class Mutation:
    """One change of one file, drawn by hypothesis; `signed` makes the manifest agree with it."""

    def __init__(self, name: str, kind: str, place: float, piece: bytes, signed: bool) -> None:
        self.name, self.kind, self.place, self.piece, self.signed = name, kind, place, piece, signed

    def __repr__(self) -> str:
        return f"{self.name} {self.kind} at {self.place} with {self.piece!r}{', signed' if self.signed else ''}"

    def apply(self, data: bytes) -> bytes:
        at = int(self.place * len(data))
        if self.kind == "cut":
            return data[:at]
        if self.kind == "flip":
            return data[:at] + bytes([data[at] ^ (1 << (self.piece[0] % 8))]) + data[at + 1 :]
        if self.kind == "insert":
            return data[:at] + self.piece + data[at:]
        return data[:at] + self.piece + data[at + len(self.piece) :]


def places() -> st.SearchStrategy[float]:
    """Half of them in the first bytes, where lengths and headers are."""
    return st.floats(0, 0.9999) | st.floats(0, 0.02)


MUTATIONS = st.builds(
    Mutation,
    st.sampled_from(FILES),
    st.sampled_from(["cut", "flip", "insert", "overwrite"]),
    places(),
    st.binary(min_size=1, max_size=12)
    | st.sampled_from([b"\xff" * 8, b"[" * 2000, b"9" * 400, b'"', b"}", b"-1", b"null"]),
    st.booleans(),
)


def check_mutation(run: Path, other: Trainer, mutation: Mutation) -> None:
    """No exception but the documented one gets out, and nothing that was changed is taken for whole."""
    folder = run / "step-00000002"
    path, manifest = folder / mutation.name, folder / MANIFEST
    former, promised = path.read_bytes(), manifest.read_bytes()
    path.write_bytes(mutation.apply(former))
    if mutation.signed and path != manifest:
        sign_again(folder)
    try:
        warnings = load_checkpoint(run, other)
        changed = path.read_bytes() != former
        assert len(warnings) == (other.step == 1)
        if changed and not mutation.signed and path != manifest:
            assert other.step == 1
    finally:
        path.write_bytes(former)
        manifest.write_bytes(promised)


@pytest.fixture(scope="module")
def mutable(saved: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Trainer]:
    """A run whose older checkpoint is whole, and a trainer to read it with."""
    return Path(shutil.copytree(saved, tmp_path_factory.mktemp("mutable") / "run")), untrained()


@given(MUTATIONS)
@settings(max_examples=200)
def test_mutated_files_are_found_out(mutable: tuple[Path, Trainer], mutation: Mutation) -> None:
    check_mutation(*mutable, mutation)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@given(MUTATIONS)
@settings(max_examples=10_000)
def test_ten_thousand_mutated_files_are_found_out(mutable: tuple[Path, Trainer], mutation: Mutation) -> None:
    check_mutation(*mutable, mutation)


# ----------------------------------------------------------------------------------------------- disks that fail


@pytest.mark.parametrize("steps", [(3,), (3, 3), (3, 4)], ids=["another", "the same again", "one goes for it"])
def test_whichever_write_finds_the_disk_full_the_older_ones_stay(
    steps: tuple[int, ...], run: Path, trainer: Trainer
) -> None:
    save_steps(run, trainer, *steps[:-1])
    trainer.step = steps[-1]
    older = contents(run)
    spare = Path(shutil.copytree(run, run.parent / "spare"))
    calls = calls_of(NEED_SPACE, lambda: save_checkpoint(spare, trainer))
    other, untouched = untrained(), 0
    for number in worth_trying(calls, writes=12):
        work = Path(shutil.copytree(run, run.parent / "work"))
        with pytest.raises(ResourceError) as caught, before_call(NEED_SPACE, Countdown(number, disk_full)):
            save_checkpoint(work, trainer)
        assert caught.value.exit_code == 8
        assert load_checkpoint(work, other) == [], "the newest one is whole, before or after"
        untouched += contents(work) == older
        if other.step < trainer.step:
            assert contents(work) == older
        shutil.rmtree(work)
    assert untouched > 25
    save_checkpoint(run, trainer)
    assert len(list_checkpoints(run)) == 3


@pytest.mark.parametrize("first", [True, False], ids=["the first", "a better one"])
def test_whichever_write_finds_the_disk_full_a_best_one_stays(first: bool, run: Path, trainer: Trainer) -> None:
    write_config(run, trainer.config)
    trainer.step = 2
    if not first:
        record_best(run, trainer, 0.5, "p")
    trainer.step = 3
    spare = Path(shutil.copytree(run, run.parent / "spare"))
    calls = calls_of(NEED_SPACE, lambda: record_best(spare, trainer, 0.4, "p"))
    for number in worth_trying(calls, writes=8):
        work = Path(shutil.copytree(run, run.parent / "work"))
        with pytest.raises(ResourceError), before_call(NEED_SPACE, Countdown(number, disk_full)):
            record_best(work, trainer, 0.4, "p")
        assert_best_is_usable(work, {None} if first else {2})
        shutil.rmtree(work)


def assert_best_is_usable(run: Path, former: set[int | None]) -> None:
    best = read_best(run)
    assert (best.step if best else None) in former | {3}
    if best is not None:
        verify(run / f"step-{best.step:08d}")
        with hold(run):  # which mends what a kill or a full disk interrupted
            assert weights.load(run / "best.safetensors").metadata["trained_steps"] == str(best.step)


def test_a_disk_that_writes_something_else_is_found_out(
    run: Path, trainer: Trainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    older, sync = contents(run), os.fsync

    def lose_a_bit(descriptor: int) -> None:
        sync(descriptor)
        if os.fstat(descriptor).st_size > 50_000:  # the tensors
            os.pwrite(descriptor, b"?", 40_000)

    monkeypatch.setattr("ugatit_cli.training.checkpoint_files.os.fsync", lose_a_bit)
    trainer.step = 3
    with pytest.raises(OutputError, match=r"reads back otherwise .*does not match its checksum"):
        save_checkpoint(run, trainer)
    assert contents(run) == older


def test_a_file_in_the_place_of_a_checkpoint_gives_way(run: Path, trainer: Trainer) -> None:
    (run / "step-00000003").write_bytes(b"in the way")
    save_steps(run, trainer, 3)
    assert (run / "step-00000003" / MANIFEST).is_file()


def leave(monkeypatch: pytest.MonkeyPatch, free: int) -> None:
    """Let every disk have that many bytes left."""
    usage = shutil.disk_usage("/")._replace(free=free)
    monkeypatch.setattr("ugatit_cli.training.disk_space.shutil.disk_usage", lambda _: usage)


def test_too_little_space_is_said_before_anything_is_written(
    run: Path, trainer: Trainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = contents(run)
    trainer.step = 3
    leave(monkeypatch, checkpoint_bytes(trainer) - 1)
    calls: list[str] = []
    with (
        pytest.raises(ResourceError, match=r"0\.9 MB are needed and 0\.9 MB are free") as caught,
        before_call({"mkdir", "write", "replace"}, calls.append),
    ):
        save_checkpoint(run, trainer)
    assert calls == []
    assert caught.value.exit_code == 8
    assert caught.value.hint == f"free some space, then: ugatit train --resume {run}"
    assert contents(run) == older
    leave(monkeypatch, checkpoint_bytes(trainer))
    save_checkpoint(run, trainer)


def test_a_run_that_is_not_there_yet_asks_the_disk_above(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    require_space(tmp_path / "a" / "b", 1)
    leave(monkeypatch, 310_000_000)
    with pytest.raises(ResourceError, match=r"2\.4 GB are needed and 310 MB are free") as caught:
        require_space(tmp_path / "a" / "b", 2_400_000_000)
    assert caught.value.hint == "free some space, or choose another --out"
    assert not (tmp_path / "a").exists()


def test_the_size_of_a_checkpoint_is_known_before_the_first_step(tmp_path: Path, trainer: Trainer) -> None:
    trainer.step = 1
    environment = {"device": "cpu"}
    folder = save_checkpoint(tmp_path, trainer, environment)
    size = sum(path.stat().st_size for path in folder.iterdir())
    assert checkpoint_bytes(untrained(), environment) == pytest.approx(size, rel=1e-3)
    assert checkpoint_bytes(trainer, environment) == size


def test_what_does_not_learn_has_no_moments_to_be_stored() -> None:
    frozen = untrained()
    for parameter in frozen.networks.generator_a2b.parameters():
        parameter.requires_grad_(False)
    saving = checkpoint_bytes(untrained()) - checkpoint_bytes(frozen)
    assert saving > 2 * sum(parameter.nbytes for parameter in frozen.networks.generator_a2b.parameters())


def test_what_a_run_needs_is_the_most_it_ever_has(tmp_path: Path, trainer: Trainer) -> None:
    """The last save of a run with a best step out of the newest three, watched at every write."""
    save_steps(tmp_path, trainer, 1)
    record_best(tmp_path, trainer, 0.5, "p")
    save_steps(tmp_path, trainer, 2, 3, 4)
    save_weights(tmp_path / WEIGHTS, trainer)
    most = 0

    def measure(_name: str) -> None:
        nonlocal most
        most = max(most, sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file()))

    needed = disk_need_of(tmp_path, trainer)
    with before_call({"fsync", "replace"}, measure):
        save_steps(tmp_path, trainer, 5)
        save_weights(tmp_path / WEIGHTS, trainer)
    planned = disk_need(untrained())
    assert 0.85 * planned < most <= planned
    assert checkpoint_bytes(trainer) < needed < 0.3 * planned
    assert weights_bytes(trainer) == pytest.approx((tmp_path / WEIGHTS).stat().st_size, rel=0.01)


FULL_DISK = """
import subprocess, sys
from pathlib import Path
if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3200k", "none", sys.argv[1]], capture_output=True).returncode:
    sys.exit(77)
from training.tiny import names, trained, untrained
from ugatit_cli.errors import ResourceError
from ugatit_cli.training.checkpoint_files import write_file
from ugatit_cli.training import checkpoints
trainer, run = trained(), Path(sys.argv[1])
checkpoints.save_checkpoint(run, trainer)
trainer.step = 2
checkpoints.save_checkpoint(run, trainer)
(run / "other").write_bytes(bytes(1_000_000))
older, trainer.step = names(run), 3
for require_space in (checkpoints.require_space, lambda run, count: None):  # somebody else may take the space meanwhile
    checkpoints.require_space = require_space
    try:
        checkpoints.save_checkpoint(run, trainer)
        sys.exit("it fits?")
    except ResourceError as error:
        assert error.name == "disk-full", error.name
    assert names(run) == older
(run / "other").unlink()
checkpoints.save_checkpoint(run, trainer)
other = untrained()
assert checkpoints.load_checkpoint(run, other) == [] and other.step == 3
"""


@pytest.mark.skipif(shutil.which("unshare") is None, reason="needs unshare to mount a small disk of its own")
def test_a_really_full_disk_keeps_the_older_ones(tmp_path: Path) -> None:
    inside = ("unshare", "--user", "--mount", "--map-root-user")
    if subprocess.run([*inside, "mount", "-t", "tmpfs", "none", str(tmp_path)], capture_output=True).returncode:
        pytest.skip("mounting a small disk is not permitted here")
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY / "tests")}
    command = [*inside, sys.executable, "-c", FULL_DISK, str(tmp_path)]
    result = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")


# ----------------------------------------------------------------------------------------------------- best step


def test_the_best_step_is_remembered_with_its_weights(tmp_path: Path, trainer: Trainer) -> None:
    assert read_best(tmp_path) is None
    trainer.step = 7
    record_best(tmp_path, trainer, 0.25, "builtin-v1 50 pictures", metric="kid")
    assert read_best(tmp_path) == Best(7, 0.25, "builtin-v1 50 pictures", "kid")
    assert json.loads((tmp_path / "best.json").read_text()).keys() == {"step", "score", "protocol", "metric"}
    model = weights.load(tmp_path / "best.safetensors")
    assert model.metadata["trained_steps"] == "7"
    average = trainer.averages["generator_b2a"].module.state_dict()
    assert all(torch.equal(model.generators["b2a"][name], average[name]) for name in average)
    verify(tmp_path / "step-00000007")


@pytest.mark.parametrize(
    "record",
    ["", "[]", "null", "{}", "\xff", "[" * 10_000, '{"step": 2}',
     '{"step": -2, "score": 1, "protocol": "p", "metric": "kid"}',
     '{"step": 1e40, "score": 1, "protocol": "p", "metric": "kid"}',
     '{"step": 2, "score": NaN, "protocol": "p", "metric": "kid"}',
     '{"step": 2, "score": 1, "protocol": 5, "metric": "kid"}',
     '{"step": 2, "score": 1, "protocol": "p", "metric": "kid"'],
)  # fmt: skip
def test_a_damaged_record_of_the_best_step_is_none(record: str, run: Path, trainer: Trainer) -> None:
    (run / "best.json").write_text(record)
    assert read_best(run) is None
    assert load_checkpoint(run, untrained()) == [
        f"{run / 'best.json'} is damaged: the next evaluation chooses the best step anew"
    ]
    trainer.step = 3
    record_best(run, trainer, 0.1, "p")
    assert load_checkpoint(run, untrained()) == []


def test_a_folder_in_the_place_of_the_record_is_none(run: Path) -> None:
    (run / "best.json").mkdir()
    assert read_best(run) is None
    assert len(load_checkpoint(run, untrained())) == 1


@pytest.mark.parametrize("harm", [removed, truncated, emptied, folder_instead])
def test_lost_weights_of_the_best_step_are_made_again(
    harm: Callable[[Path], None], run: Path, trainer: Trainer, tmp_path: Path
) -> None:
    trainer.step = 2
    record_best(run, trainer, 0.5, "p")
    path = run / "best.safetensors"
    before = weights.load(path)
    kept = {d: {name: t.clone() for name, t in before.generators[d].items()} for d in before.generators}
    harm(path)
    if path.is_dir():
        with pytest.raises(OutputError):
            mend_best(run, trainer.config.generator)
        return
    mend_best(run, trainer.config.generator)
    after = weights.load(path)
    assert (after.config, after.metadata) == (before.config, before.metadata)
    for direction, tensors in kept.items():
        assert all(torch.equal(after.generators[direction][name], tensor) for name, tensor in tensors.items())


def test_weights_stay_as_they_are_when_the_best_checkpoint_is_damaged(run: Path, trainer: Trainer) -> None:
    trainer.step = 2
    record_best(run, trainer, 0.5, "p")
    former = (run / "best.safetensors").read_bytes()
    record = json.loads((run / "best.json").read_text())
    (run / "best.json").write_text(json.dumps(record | {"step": 9}))
    mend_best(run, trainer.config.generator)
    assert (run / "best.safetensors").read_bytes() == former


# ------------------------------------------------------------------------------------------------------ settings


def test_settings_come_back(tmp_path: Path, trainer: Trainer) -> None:
    write_config(tmp_path / "run", trainer.config)
    here = {name: Path(name).absolute() for name in ("a", "b")}
    assert read_config(tmp_path / "run") == trainer.config.model_copy(update=here)


def changed(data: bytes, **fields: Any) -> bytes:
    settings = json.loads(data) | fields
    return json.dumps({name: value for name, value in settings.items() if value != "gone"}).encode()


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (lambda data: data[:-9], "cannot use .*config.json: it is damaged"),
        (lambda data: b"", "it is damaged"),
        (lambda data: b"[]", "it is damaged"),
        (lambda data: b"[" * 50_000, "it is damaged"),
        (lambda data: b" " * (2 << 20), "is not a training run: config.json is too large"),
        (lambda data: changed(data, sparkle=1), "this version of ugatit does not know its setting sparkle"),
        (lambda data: changed(data, b="gone"), "the setting b is missing in it"),
        (lambda data: changed(data, steps=-3), "its setting steps is wrong: Input should be greater than or equal to 1"),
        (lambda data: changed(data, size=10**400), "its setting size is wrong"),
        (lambda data: changed(data, discriminator_layers=9), "its settings are wrong: discriminator_layers must be at most"),
    ],
    ids=lambda value: None if callable(value) else value[:40],
)  # fmt: skip
def test_settings_that_cannot_be_used(
    harm: Callable[[bytes], bytes], message: str, tmp_path: Path, trainer: Trainer
) -> None:
    write_config(tmp_path, trainer.config)
    (tmp_path / "config.json").write_bytes(harm((tmp_path / "config.json").read_bytes()))
    with pytest.raises(BadModelError, match=message) as caught:
        read_config(tmp_path)
    assert caught.value.exit_code == 5
    assert "\n" not in caught.value.message


def test_a_folder_without_settings_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(BadModelError, match="is not a training run: config.json is missing"):
        read_config(tmp_path)
    with pytest.raises(UsageError, match="does not exist"):
        read_config(tmp_path / "missing")
