"""The six networks and the objective of one step, each forward pass done once.

The official loop translates the batch for the discriminators' update, throws the result away and
translates it again for the generators', though no generator changed in between. Here the fakes are
made once and detached for the discriminators. Each generator meets [its source, its target] as one
batch (translation and identity): normalisation is per sample, so that is exact.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..network import Discriminator, Generator, Verdict
from .config import TrainConfig
from .data import Batch
from .losses import cam_term, discriminator_terms, generator_terms, total

Terms = dict[str, Tensor]
Augmentation = Callable[[Tensor], Tensor]


class Networks(nn.Module):
    """Two generators and four discriminators."""

    def __init__(self, config: TrainConfig) -> None:
        super().__init__()
        channels = config.discriminator_channels
        self.generator_a2b = Generator(config.generator)
        self.generator_b2a = Generator(config.generator)
        self.global_discriminator_a = Discriminator(channels, config.global_layers)
        self.global_discriminator_b = Discriminator(channels, config.global_layers)
        self.local_discriminator_a = Discriminator(channels, config.local_layers)
        self.local_discriminator_b = Discriminator(channels, config.local_layers)

    def parameters_of(self, kind: str) -> list[nn.Parameter]:
        """Of the networks whose name has `kind` in it: "generator" or "discriminator"."""
        return [parameter for name, parameter in self.named_parameters() if kind in name.split(".")[0]]

    def discriminators(self, domain: str) -> dict[str, Discriminator]:
        """The judges of domain "a" or "b", by the name their loss terms carry."""
        judges: dict[str, Discriminator] = {
            scope: getattr(self, f"{scope}_discriminator_{domain}") for scope in ("global", "local")
        }
        return judges

    def clip_rho(self, limit: float) -> None:
        """Back into [0, limit] after an update (section 2.1.1, official code: both AdaLIN and LIN)."""
        with torch.no_grad():
            for name, parameter in self.named_parameters():
                if name.endswith(".rho"):
                    parameter.clamp_(0, limit)


class Fakes(NamedTuple):
    """What both generators made of one batch: pictures N x 3 x H x W, CAM logits N x 2."""

    fake_a: Tensor
    fake_b: Tensor
    identity_a: Tensor
    identity_b: Tensor
    logits_a2b: tuple[Tensor, Tensor]  # on its source (a), on its target (b)
    logits_b2a: tuple[Tensor, Tensor]


def translate(networks: Networks, batch: Batch) -> Fakes:
    a2b = networks.generator_a2b(torch.cat([batch.real_a, batch.real_b]))
    b2a = networks.generator_b2a(torch.cat([batch.real_b, batch.real_a]))
    fake_b, identity_b = a2b.image.chunk(2)
    fake_a, identity_a = b2a.image.chunk(2)
    source_a, target_b = a2b.cam_logits.chunk(2)
    source_b, target_a = b2a.cam_logits.chunk(2)
    return Fakes(fake_a, fake_b, identity_a, identity_b, (source_a, target_b), (source_b, target_a))


class Untranslated(NamedTuple):
    """Pictures of the other domain, N x 3 x H x W, where fakes are expected."""

    fake_a: Tensor
    fake_b: Tensor


def untranslated(batch: Batch) -> Untranslated:
    """Each domain's pictures as they are, for the other's discriminators to reject.

    New discriminators beside generators that translate well already can tell nothing apart for thousands of steps; these
    they tell apart within hundreds, and what they learn by it shows them the other difference soon.
    """
    return Untranslated(batch.real_b, batch.real_a)


def discriminator_losses(networks: Networks, batch: Batch, fakes: Fakes | Untranslated, augment: Augmentation) -> Terms:
    """Unweighted terms of the discriminators' update, fakes detached."""
    terms: Terms = {}
    for domain, real, fake in (("a", batch.real_a, fakes.fake_a), ("b", batch.real_b, fakes.fake_b)):
        for scope, judge in networks.discriminators(domain).items():
            verdict = judge(torch.cat([augment(real), augment(fake.detach())]), passes=2)
            score, cam = discriminator_terms(*halves(verdict))
            terms[f"d_{scope}_{domain}"], terms[f"d_{scope}_{domain}_cam"] = score, cam
    return terms


def halves(verdict: Verdict) -> tuple[Verdict, Verdict]:
    (score, other_score), (cam, other_cam) = verdict.score.chunk(2), verdict.cam_logits.chunk(2)
    return Verdict(score, cam, None), Verdict(other_score, other_cam, None)


def generator_losses(networks: Networks, batch: Batch, fakes: Fakes, augment: Augmentation) -> Terms:
    """Unweighted terms of the generators' update, against the updated discriminators."""
    terms: Terms = {}
    for domain, fake in (("a", fakes.fake_a), ("b", fakes.fake_b)):
        for scope, judge in networks.discriminators(domain).items():
            score, cam = generator_terms(judge(augment(fake)))
            terms[f"g_{scope}_{domain}"], terms[f"g_{scope}_{domain}_cam"] = score, cam
    terms["g_cycle_a"] = F.l1_loss(networks.generator_b2a(fakes.fake_b).image, batch.real_a)
    terms["g_cycle_b"] = F.l1_loss(networks.generator_a2b(fakes.fake_a).image, batch.real_b)
    terms["g_identity_a"] = F.l1_loss(fakes.identity_a, batch.real_a)
    terms["g_identity_b"] = F.l1_loss(fakes.identity_b, batch.real_b)
    terms["g_cam_a2b"] = cam_term(*fakes.logits_a2b)
    terms["g_cam_b2a"] = cam_term(*fakes.logits_b2a)
    return terms


def weighted_sum(terms: Terms, config: TrainConfig) -> Tensor:
    """The number that is minimised (equation 8)."""
    weights = {"cycle": config.cycle_weight, "identity": config.identity_weight}
    return total(
        term
        * (
            config.cam_weight
            if name.startswith("g_cam_")
            else weights.get(name.split("_")[1], config.adversarial_weight)
        )
        for name, term in terms.items()
    )
