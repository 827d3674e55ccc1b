"""Our step beside the official training loop's: every loss term, every gradient, every network after it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from golden_pytorch import (
    CHECKPOINT_FILES,
    discriminator_name,
    discriminator_state,
    generator_name,
    generator_state,
    load_arrays,
)
from safetensors.torch import load_file
from torch import Tensor

from ugatit_cli.training.config import TrainConfig
from ugatit_cli.training.data import Batch
from ugatit_cli.training.step import Trainer

OFFICIAL_NETWORKS = {
    "genA2B": "generator_a2b",
    "genB2A": "generator_b2a",
    "disGA": "global_discriminator_a",
    "disGB": "global_discriminator_b",
    "disLA": "local_discriminator_a",
    "disLB": "local_discriminator_b",
}
OFFICIAL_LOSSES = {
    **{f"D_ad_{cam}loss_{s}{d}": f"d_{scope}_{d.lower()}{suffix}"
       for cam, suffix in (("", ""), ("cam_", "_cam")) for s, scope in (("G", "global"), ("L", "local")) for d in "AB"},
    **{f"G_ad_{cam}loss_{s}{d}": f"g_{scope}_{d.lower()}{suffix}"
       for cam, suffix in (("", ""), ("cam_", "_cam")) for s, scope in (("G", "global"), ("L", "local")) for d in "AB"},
    "G_recon_loss_A": "g_cycle_a",
    "G_recon_loss_B": "g_cycle_b",
    "G_identity_loss_A": "g_identity_a",
    "G_identity_loss_B": "g_identity_b",
    "G_cam_loss_A": "g_cam_b2a",  # named there after the domain that is made
    "G_cam_loss_B": "g_cam_a2b",
    "Discriminator_loss": "discriminators",
    "Generator_loss": "generators",
}  # fmt: skip


def official_state(path: Path) -> dict[str, Tensor]:
    state: dict[str, Tensor] = {}
    for official, tensors in torch.load(path, map_location="cpu", weights_only=True).items():
        ours = generator_state(tensors) if official.startswith("gen") else discriminator_state(tensors)
        state |= {f"{OFFICIAL_NETWORKS[official]}.{name}": tensor for name, tensor in ours.items()}
    return state


def our_name(official: str) -> str:
    network, _, name = official.partition(".")
    return f"{OFFICIAL_NETWORKS[network]}." + (
        generator_name(name) if network.startswith("gen") else discriminator_name(name)
    )


@pytest.fixture
def light(shared: Path) -> Path:
    return shared / "golden" / "pytorch" / "checkpoints" / "light"


@pytest.fixture
def trainer(light: Path) -> Trainer:
    config = TrainConfig(a=light, b=light, size=96, channels=2, discriminator_channels=2, steps=1_000_000)
    trainer = Trainer(config, torch.device("cpu"))
    trainer.networks.load_state_dict(official_state(light / CHECKPOINT_FILES["light"]))
    trainer.step = 999  # the official program repeats the step it has loaded
    return trainer


@pytest.fixture
def batches(light: Path) -> list[Batch]:
    pictures = load_arrays(light / "train" / "inputs.npz")
    return [Batch(a, b) for a, b in zip(pictures["real_A"], pictures["real_B"], strict=True)]


def judges_to_eval(trainer: Trainer) -> None:
    for domain in "ab":
        for judge in trainer.networks.discriminators(domain).values():
            judge.eval()


@pytest.mark.parametrize("mode", ["dis_eval", "dis_train"])
def test_every_loss_of_four_steps(mode: str, trainer: Trainer, batches: list[Batch], light: Path) -> None:
    expected = json.loads((light / "train" / "losses.json").read_text())["modes"][mode]["float64"]
    if mode == "dis_eval":
        judges_to_eval(trainer)
    for number, (batch, official) in enumerate(zip(batches, expected, strict=True)):
        losses = trainer.advance(batch)
        for theirs, ours in OFFICIAL_LOSSES.items():
            assert losses[ours] == pytest.approx(official[theirs], rel=1e-4 if number == 0 else 1e-3), (number, theirs)


def test_networks_after_one_step(trainer: Trainer, batches: list[Batch], light: Path) -> None:
    judges_to_eval(trainer)
    trainer.advance(batches[0])
    expected = official_state(light / "results" / "selfie2toon_params_latest.pt")
    ours = trainer.networks.state_dict()
    assert ours.keys() == expected.keys()
    differences = torch.cat([(ours[name] - expected[name]).abs().flatten() for name in expected])
    assert differences.max() <= 2.1e-4
    assert (differences > 1e-6).float().mean() < 0.005
    for name in expected:
        if name.endswith(".rho"):
            assert torch.equal(ours[name] == 0, expected[name] == 0)
            assert torch.equal(ours[name] == 1, expected[name] == 1)


def test_every_gradient_of_the_first_step(trainer: Trainer, batches: list[Batch], light: Path) -> None:
    """In double, as the golden gradients were computed; Adam leaves the gradients where they are."""
    judges_to_eval(trainer)
    trainer.networks.double()
    trainer.advance(Batch(*(pictures.double() for pictures in batches[0])))
    ours = dict(trainer.networks.named_parameters())
    expected = {our_name(name): grad for name, grad in load_file(light / "train" / "grads_step1.safetensors").items()}
    assert expected.keys() == ours.keys()
    for name, grad in expected.items():
        actual = ours[name].grad
        assert actual is not None
        assert (actual.flatten() - grad.flatten()).norm() <= 1e-5 * grad.norm() + 1e-12, name


def test_power_iterations_of_one_step(trainer: Trainer, batches: list[Batch], light: Path) -> None:
    trainer.advance(batches[0])
    ours = trainer.networks.state_dict()
    for name, vector in load_arrays(light / "train" / "dis_train_uv_after_step1.npz").items():
        torch.testing.assert_close(ours[our_name(name)], vector, rtol=0, atol=1e-4)


def test_learning_rate_follows_the_official_schedule(light: Path) -> None:
    schedule = json.loads((light / "train" / "lr_schedule.json").read_text())
    config = TrainConfig(a=light, b=light, steps=10)
    for step, rate, _ in schedule["iteration=10,first_step=1"]:
        assert config.learning_rate_at(step) == pytest.approx(rate, abs=1e-12)
        assert config.discriminator_learning_rate_at(step) == config.learning_rate_at(step)


def test_learning_rate_never_falls_below_zero() -> None:
    """The official loop ends one decrement below zero when the number of steps is odd."""
    config = TrainConfig(a=Path(), b=Path(), steps=11)
    assert min(config.learning_rate_at(step) for step in range(1, 12)) == 0
