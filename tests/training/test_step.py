"""One update in its variations: in pieces, with activations computed twice, with frozen parts, while warming up."""

from __future__ import annotations

import math
from functools import partialmethod
from typing import Any

import pytest
import torch
from torch._dynamo.utils import counters
from training.tiny import noise

from ugatit_cli.network import Generator
from ugatit_cli.training.config import TrainConfig
from ugatit_cli.training.data import Batch
from ugatit_cli.training.step import Trainer

CPU = torch.device("cpu")


def trained(config: TrainConfig, steps: int = 1, *, pieces: int = 1, **changes: Any) -> Trainer:
    trainer = Trainer(config.model_copy(update={"augment": "none", **changes}), CPU, pieces=pieces)
    for _ in range(steps):
        trainer.advance(noise(trainer.config.batch_size))
    return trainer


def gradients(trainer: Trainer) -> dict[str, torch.Tensor]:
    return {name: p.grad for name, p in trainer.networks.named_parameters() if p.grad is not None}


def test_a_batch_in_pieces_has_the_same_gradients(config: TrainConfig) -> None:
    """With a rate that moves nothing, so that the generators meet the same discriminators; eval keeps their vectors still."""
    found = []
    for pieces in (1, 2, 4):
        settings = {"augment": "none", "batch_size": 4, "learning_rate": 1e-30}
        trainer = Trainer(config.model_copy(update=settings), CPU)
        trainer.networks.double()
        for average in trainer.averages.values():
            average.double()
        double = Batch(*(part.double() for part in noise(4)))
        trainer.advance(double)  # brings the vectors of the power iteration near the singular ones
        trainer.networks.eval()
        trainer.pieces = pieces
        trainer.advance(double)
        found.append(gradients(trainer))
    for other in found[1:]:
        assert other.keys() == found[0].keys()
        for name, grad in other.items():
            torch.testing.assert_close(grad, found[0][name], rtol=1e-5, atol=1e-7, msg=name)


@pytest.mark.parametrize("variant", ["light", "full"])
def test_activations_computed_twice_give_the_same_bits(variant: str, config: TrainConfig) -> None:
    one, other = (trained(config, 2, variant=variant, gradient_checkpointing=flag) for flag in (False, True))
    for name, tensor in one.networks.state_dict().items():
        assert torch.equal(tensor, other.networks.state_dict()[name]), name


def changed(before: dict[str, torch.Tensor], trainer: Trainer) -> set[str]:
    """The first two words of the names of parameters that are not as they were."""
    return {
        ".".join(name.split(".")[:2])
        for name, parameter in trainer.networks.named_parameters()
        if not torch.equal(parameter, before[name])
    }


def start(config: TrainConfig, **changes: Any) -> dict[str, torch.Tensor]:
    trainer = Trainer(config.model_copy(update=changes), CPU)
    return {name: parameter.detach().clone() for name, parameter in trainer.networks.named_parameters()}


def test_frozen_parts_stay(config: TrainConfig) -> None:
    freeze = ("encoder", "discriminator-features")
    touched = changed(start(config), trained(config, freeze=freeze))
    assert {"generator_a2b.decoder_blocks", "generator_b2a.cam", "global_discriminator_a.head"} <= touched
    assert not {name for name in touched if name.endswith((".stem", ".downs", ".encoder_blocks", ".convs"))}


@pytest.mark.parametrize(
    ("rates", "learning"),
    [
        ({"discriminator_learning_rate": 1e-30}, {"generator"}),
        ({"learning_rate": 1e-30, "discriminator_learning_rate": 1e-4}, {"global", "local"}),
        ({"learning_rate": 1e-30}, set()),
    ],
)
def test_discriminators_may_have_a_rate_of_their_own(
    rates: dict[str, Any], learning: set[str], config: TrainConfig
) -> None:
    before, trainer = start(config), trained(config, weight_decay=0, **rates)
    moved = {name for name, p in trainer.networks.named_parameters() if (p - before[name]).abs().max() > 1e-20}
    assert {name.split("_")[0] for name in moved} == learning


def test_only_discriminators_learn_while_warming_up(config: TrainConfig) -> None:
    before = start(config)
    assert {name.split("_")[0] for name in changed(before, trained(config, 2, warmup=2))} == {"global", "local"}
    assert {name.split("_")[0] for name in changed(before, trained(config, 3, warmup=2))} == {
        "global",
        "local",
        "generator",
    }


def test_new_discriminators_begin_with_pictures_that_nobody_translated(config: TrainConfig) -> None:
    """Generators of not-a-number would spoil every loss that they have a part in."""
    trainer = Trainer(config.model_copy(update={"augment": "none", "warmup": 2}), CPU)
    trainer.untranslated_steps = 1
    for parameter in trainer.networks.parameters_of("generator"):
        parameter.detach().fill_(torch.nan)
    batch = noise(config.batch_size)
    judge = trainer.networks.global_discriminator_a
    first, second = (trainer.advance(batch) for _ in range(2))
    assert math.isfinite(first["discriminators"]) and math.isnan(second["discriminators"])
    assert "generators" not in first | second
    one, other = (judge(pictures).score.mean() for pictures in batch)
    for _ in range(20):
        trainer.step = 0
        trainer.advance(batch)
    now_one, now_other = (judge(pictures).score.mean() for pictures in batch)
    assert now_one - now_other > one - other, "it learns to accept A and to reject B as A"


def test_what_nobody_translated_is_no_news_of_the_generators(config: TrainConfig) -> None:
    trainer = Trainer(config.model_copy(update={"warmup": 2}), CPU)
    trainer.untranslated_steps = 1
    trainer.advance(noise(config.batch_size))
    assert trainer.vitals.take(trainer.networks)["change_a2b"] is None
    trainer.advance(noise(config.batch_size))
    assert trainer.vitals.take(trainer.networks)["change_a2b"] is not None


def test_the_average_follows_closely_at_first(config: TrainConfig) -> None:
    """After n updates its decay is (1 + n) / (10 + n), until that of the settings is less."""
    trainer = trained(config, 1, ema_decay=0.999)
    name = "head.weight"
    average, network = trainer.averages["generator_a2b"].module, trainer.networks.generator_a2b
    before = average.state_dict()[name].clone()
    trainer.advance(noise(1))
    decay = 2 / 11
    expected = before * decay + network.state_dict()[name] * (1 - decay)
    torch.testing.assert_close(average.state_dict()[name], expected)


def test_no_average_at_all_is_the_network(config: TrainConfig) -> None:
    trainer = trained(config, 3, ema_decay=0)
    for name, tensor in trainer.networks.generator_b2a.state_dict().items():
        assert torch.equal(trainer.averages["generator_b2a"].module.state_dict()[name], tensor)


@pytest.mark.filterwarnings("ignore")  # torch's compiler has many about itself
def test_a_generator_is_one_graph_to_the_compiler(config: TrainConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    """A break at every normalisation would leave little to fuse."""
    monkeypatch.setattr(torch._dynamo.config, "trace_autograd_ops", False)
    Trainer(config.model_copy(update={"compile": True}), CPU)
    counters.clear()
    generator: Any = torch.compile(Generator(config.generator), backend="eager", dynamic=False)
    made = generator(noise(2).real_a)
    (made.image.mean() + made.cam_logits.mean()).backward()
    assert not counters["graph_break"] and counters["stats"]["unique_graphs"] == 1


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.filterwarnings("ignore")  # torch's compiler has many about itself
def test_each_number_of_pieces_that_is_tried_is_compiled(config: TrainConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    """torch's compiler gives up on a function, with a warning that nobody sees, when it has compiled it a number of times."""
    monkeypatch.setattr(torch.nn.Module, "compile", partialmethod(torch.nn.Module.compile, backend="eager"))
    monkeypatch.setattr(torch._dynamo.config, "fail_on_recompile_limit_hit", True)
    torch._dynamo.reset()
    for pieces in (1, 2, 4):
        four = config.model_copy(update={"compile": True, "batch_size": 4})
        Trainer(four, CPU, pieces=pieces).advance(noise(4))


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.filterwarnings("ignore")  # torch's compiler has many about itself
def test_compiled_networks_take_the_same_step(config: TrainConfig) -> None:
    one, other = (trained(config, 2, compile=flag) for flag in (False, True))
    for name, tensor in one.networks.state_dict().items():
        torch.testing.assert_close(other.networks.state_dict()[name], tensor, rtol=1e-3, atol=3e-4, msg=name)


def test_losses_that_are_not_finite_change_nothing_with_a_loss_scale_either(config: TrainConfig) -> None:
    """As fp16 has one on a GPU; PyTorch's scaler refuses to be updated in a step that scaled nothing."""
    trainer = trained(config, warmup=0)
    trainer.accelerator.scaler = torch.amp.GradScaler("cpu", init_scale=4.0, growth_interval=2)
    before = {name: tensor.clone() for name, tensor in trainer.networks.named_parameters()}
    bad = Batch(*(torch.full_like(part, torch.nan) for part in noise(config.batch_size)))
    losses = trainer.advance(bad)
    assert not torch.isfinite(torch.tensor(losses["discriminators"]))
    assert all(torch.equal(tensor, before[name]) for name, tensor in trainer.networks.named_parameters())
    assert trainer.accelerator.scaler.get_scale() == 4
    for _ in range(2):
        trainer.advance(noise(config.batch_size))
    assert trainer.accelerator.scaler.get_scale() == 8
    assert any(not torch.equal(tensor, before[name]) for name, tensor in trainer.networks.named_parameters())
