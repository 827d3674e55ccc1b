"""One update of the discriminators and the generators, and everything that it changes."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from .augment import colour_jitter
from .config import TrainConfig
from .data import Batch
from .objective import Networks, Terms, discriminator_losses, generator_losses, translate, weighted_sum

ADAM_BETAS = (0.5, 0.999)  # section 3.3


class Trainer:
    """The mutable state of a run: networks, running averages, optimisers and the step they have reached."""

    def __init__(self, config: TrainConfig, device: torch.device) -> None:
        self.config = config
        self.device = device
        self.step = 0
        torch.manual_seed(config.seed)
        self.networks = Networks(config).to(device)
        self.networks.clip_rho(config.rho_limit)
        self.averages = {
            name: _average(getattr(self.networks, name), config.ema_decay)
            for name in ("generator_a2b", "generator_b2a")
        }
        self.generator_optimizer = self._adam(self.networks.generator_parameters())
        self.discriminator_optimizer = self._adam(self.networks.discriminator_parameters())

    def advance(self, batch: Batch) -> dict[str, float]:
        """One step: discriminators first, then the generators against the updated discriminators.

        Returns:
            Every unweighted loss term by name, and the two sums that were minimised.
        """
        self.step += 1
        self._set_learning_rate(self.config.learning_rate_at(self.step))
        batch = Batch(*(pictures.to(self.device, non_blocking=True) for pictures in batch))
        random = torch.Generator().manual_seed(self.config.seed * 2**32 + self.step)

        with self._autocast():
            fakes = translate(self.networks, batch)
            d_terms = discriminator_losses(self.networks, batch, fakes, lambda x: self._augment(x, random))
        d_loss = weighted_sum(d_terms, self.config)
        _update(self.discriminator_optimizer, d_loss)

        judges = self.networks.discriminator_parameters()
        _require_grad(judges, False)
        with self._autocast():
            g_terms = generator_losses(self.networks, batch, fakes, lambda x: self._augment(x, random))
        g_loss = weighted_sum(g_terms, self.config)
        _update(self.generator_optimizer, g_loss)
        _require_grad(judges, True)

        self.networks.clip_rho(self.config.rho_limit)
        for name, average in self.averages.items():
            average.update_parameters(getattr(self.networks, name))
        return _floats({**d_terms, **g_terms, "discriminators": d_loss, "generators": g_loss})

    def _adam(self, parameters: list[nn.Parameter]) -> torch.optim.Adam:
        config = self.config
        return torch.optim.Adam(
            parameters, config.learning_rate, ADAM_BETAS, weight_decay=config.weight_decay, fused=True
        )

    def _set_learning_rate(self, rate: float) -> None:
        for optimizer in (self.generator_optimizer, self.discriminator_optimizer):
            for group in optimizer.param_groups:
                group["lr"] = rate

    def _augment(self, pictures: Tensor, random: torch.Generator) -> Tensor:
        return colour_jitter(pictures, random) if self.config.augment == "color" else pictures

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.config.precision == "bf16")


def _average(network: nn.Module, decay: float) -> AveragedModel:
    return AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(decay))  # type: ignore[no-untyped-call]


def _update(optimizer: torch.optim.Adam, loss: Tensor) -> None:
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()


def _require_grad(parameters: list[nn.Parameter], wanted: bool) -> None:
    for parameter in parameters:
        parameter.requires_grad_(wanted)


def _floats(terms: Terms) -> dict[str, float]:
    """One transfer from the device for all numbers."""
    values = torch.stack([term.detach().float() for term in terms.values()]).tolist()
    return dict(zip(terms, values, strict=True))
