"""Settings: ranges by the option's name, depths that the pictures allow, and what the switches do to a step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from ugatit_cli.errors import UsageError
from ugatit_cli.network import AdaLIN
from ugatit_cli.training.config import TrainConfig, make_config
from ugatit_cli.training.data import UnpairedFolders
from ugatit_cli.training.objective import Networks
from ugatit_cli.training.step import Trainer

FOLDERS = {"a": Path("a"), "b": Path("b")}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"size": 66}, "--size: .*multiple of 4"),
        ({"steps": 0}, "--steps: .*greater than or equal to 1"),
        ({"discriminator_layers": 8, "size": 64}, "discriminator_layers must be at most 6 at size 64"),
        ({"stepps": 3}, "--stepps: "),
    ],
)
def test_a_wrong_setting_is_named(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        make_config(FOLDERS | settings)


@pytest.mark.parametrize(("size", "layers"), [(32, 5), (64, 6), (96, 7), (128, 7), (256, 7)])
def test_discriminators_are_as_deep_as_the_pictures_allow(size: int, layers: int) -> None:
    config = make_config({**FOLDERS, "size": size, "channels": 1, "discriminator_channels": 1, "blocks": 1})
    assert (config.global_layers, config.local_layers) == (layers, layers - 2)
    networks = Networks(config)
    for judge in networks.discriminators("a").values():
        assert judge(torch.zeros(1, 3, size, size)).score.numel() > 0


@pytest.mark.parametrize("smoothing", [False, True])
def test_rho_stays_below_its_limit(smoothing: bool, config: TrainConfig) -> None:
    """The pull on rho is made strong and upward: it must end at the limit, and AdaLIN starts at 0.9 either way."""
    eager = config.model_copy(update={"smoothing": smoothing, "learning_rate": 0.5, "steps": 100})
    trainer = Trainer(eager, torch.device("cpu"))
    norms = [module for module in trainer.networks.modules() if isinstance(module, AdaLIN)]
    assert all(torch.equal(norm.rho, torch.full_like(norm.rho, 0.9)) for norm in norms)
    trainer.advance(UnpairedFolders.open(eager).batch(1))
    rho = torch.cat([norm.rho.detach() for norm in norms])
    assert rho.min() >= 0
    assert float(rho.max()) == pytest.approx(0.9 if smoothing else 1.0)


def test_bfloat16_stays_near_float32(config: TrainConfig) -> None:
    batch = UnpairedFolders.open(config).batch(1)
    wide = Trainer(config, torch.device("cpu")).advance(batch)
    narrow = Trainer(config.model_copy(update={"precision": "bf16"}), torch.device("cpu")).advance(batch)
    assert narrow != wide
    assert narrow == pytest.approx(wide, rel=0.1, abs=0.05)
