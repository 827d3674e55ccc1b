"""One update of the discriminators and the generators, and everything that it changes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel
from torch.utils.checkpoint import checkpoint

from ..backends.pytorch_cpu import prepare_training_on_cpu
from .augment import augmented
from .config import TrainConfig
from .data import Batch
from .engine import average_gradients, resolve_precision, start_engine
from .freeze import learning_parameters
from .objective import (
    Fakes,
    Networks,
    Terms,
    Untranslated,
    discriminator_losses,
    generator_losses,
    translate,
    untranslated,
    weighted_sum,
)
from .vitals import Vitals

ADAM_BETAS = (0.5, 0.999)  # section 3.3
GENERATORS = ("generator_a2b", "generator_b2a")


class Trainer:
    """The mutable state of a run: networks, running averages, optimisers and the step they have reached.

    Args:
        pieces: into how many parts a batch is cut, one after the other in memory; their gradients are added up.
    """

    def __init__(self, config: TrainConfig, device: torch.device, *, pieces: int = 1) -> None:
        self.config = config
        self.pieces = pieces
        self.precision = resolve_precision(config.precision, device)
        self.accelerator = start_engine(self.precision, device)
        self.device: torch.device = self.accelerator.device
        self.step = 0
        self.order = 0  # of the pictures: another number is another shuffle
        self.warmup = config.warmup or 0
        self.untranslated_steps = (
            0  # at the start, in which discriminators reject the other domain's pictures as they are
        )
        self._has_learned = False  # whether a network was updated in this step
        torch.manual_seed(config.seed)
        self.networks = Networks(config).to(self.device)
        self.networks.clip_rho(config.rho_limit)
        self.vitals = Vitals(config.rho_limit)
        if self.device.type == "cpu" and self.precision == "fp32" and not config.compile:
            for name in GENERATORS:
                prepare_training_on_cpu(getattr(self.networks, name))
        self.averages = {name: _average(getattr(self.networks, name), config.ema_decay) for name in GENERATORS}
        self.generator_optimizer = self._adam("generator")
        self.discriminator_optimizer = self._adam("discriminator")
        self._adapt_forward_passes()

    def advance(self, batch: Batch) -> dict[str, float]:
        """One step: discriminators first, then (after the warm-up) the generators against the updated discriminators.

        Networks whose losses are not finite are left as they are.

        Returns:
            Every unweighted loss term by name, and the two sums that were minimised; the means over all processes.
        """
        self.step += 1
        self._set_learning_rates()
        batch = Batch(*(pictures.to(self.device, non_blocking=True) for pictures in batch))
        pieces = [Batch(*piece) for piece in zip(*(part.chunk(self.pieces) for part in batch), strict=True)]
        random = torch.Generator().manual_seed(self.config.seed * 2**32 + self.order * 2**24 + self.step)
        self._has_learned = False
        terms = self._learn(pieces, random)
        if self.accelerator.scaler is not None and self._has_learned:  # it refuses where nothing was scaled
            self.accelerator.scaler.update()
        return terms

    @property
    def scaler_state(self) -> dict[str, Any] | None:
        """Of fp16's loss scaling; None in the other precisions."""
        scaler = self.accelerator.scaler
        return None if scaler is None else scaler.state_dict()

    @scaler_state.setter
    def scaler_state(self, state: dict[str, Any] | None) -> None:
        if state and self.accelerator.scaler is not None:
            self.accelerator.scaler.load_state_dict(state)

    def _learn(self, pieces: list[Batch], random: torch.Generator) -> dict[str, float]:
        if self.step <= self.untranslated_steps:
            return self._improve_discriminators(pieces, [untranslated(piece) for piece in pieces], random)
        learning = self.step > self.warmup
        # fakes that are made once serve both updates; of several pieces, only one's activations fit into memory
        fakes = [self._translate(piece, learning and self.pieces == 1) for piece in pieces]
        terms = self._improve_discriminators(pieces, fakes, random)
        if learning:
            terms |= self._improve_generators(pieces, fakes, random)
        if all(map(math.isfinite, terms.values())):  # one picture of no numbers would spoil a whole interval's
            for piece, made in zip(pieces, fakes, strict=True):
                self.vitals.observe(piece, made)
        return terms

    def _translate(self, batch: Batch, with_gradient: bool) -> Fakes:
        with self.accelerator.autocast(), torch.set_grad_enabled(with_gradient):
            return translate(self.networks, batch)

    def _improve_discriminators(
        self, pieces: list[Batch], fakes: Sequence[Fakes | Untranslated], random: torch.Generator
    ) -> dict[str, float]:
        def losses(number: int) -> Terms:
            return discriminator_losses(self.networks, pieces[number], fakes[number], self._augmentation(random))

        return self._improve("discriminators", self.discriminator_optimizer, losses)

    def _improve_generators(self, pieces: list[Batch], fakes: list[Fakes], random: torch.Generator) -> dict[str, float]:
        def losses(number: int) -> Terms:
            made = fakes[number] if self.pieces == 1 else translate(self.networks, pieces[number])
            return generator_losses(self.networks, pieces[number], made, self._augmentation(random))

        judges = _parameters(self.discriminator_optimizer)
        _require_grad(judges, False)
        terms = self._improve("generators", self.generator_optimizer, losses)
        _require_grad(judges, True)
        self.networks.clip_rho(self.config.rho_limit)
        for name, average in self.averages.items():
            average.update_parameters(getattr(self.networks, name))
        return terms

    def _improve(self, name: str, optimizer: torch.optim.Adam, losses: Callable[[int], Terms]) -> dict[str, float]:
        """One update by the mean of the pieces' losses; none if that is not finite in some process."""
        optimizer.zero_grad(set_to_none=True)
        values: list[Tensor] = []
        for number in range(self.pieces):
            with self.accelerator.autocast():
                terms = losses(number)
            loss = weighted_sum(terms, self.config)
            self.accelerator.backward(loss / self.pieces)
            values.append(torch.stack([value.detach().float() for value in (*terms.values(), loss)]))
        mean = self.accelerator.reduce(torch.stack(values).mean(dim=0), "mean")
        numbers: list[float] = mean.tolist()
        if all(map(math.isfinite, numbers)):
            average_gradients(self.accelerator, _parameters(optimizer))
            self._update(optimizer)
        return dict(zip([*terms, name], numbers, strict=True))

    def _update(self, optimizer: torch.optim.Adam) -> None:
        self._has_learned = True
        if self.accelerator.scaler is None:
            optimizer.step()
        else:
            self.accelerator.scaler.step(optimizer)

    def _adam(self, kind: str) -> torch.optim.Adam:
        config = self.config
        parameters = learning_parameters(self.networks, kind, config.freeze)
        _require_grad(self.networks.parameters_of(kind), False)  # what is frozen needs no gradient either
        _require_grad(parameters, True)
        return torch.optim.Adam(
            parameters, config.learning_rate, ADAM_BETAS, weight_decay=config.weight_decay, fused=True
        )

    def _adapt_forward_passes(self) -> None:
        """For the networks that learn only: the running averages neither keep activations nor are called often."""
        if self.config.gradient_checkpointing:
            for name in GENERATORS:
                generator = getattr(self.networks, name)
                for block in [*generator.encoder_blocks, *generator.decoder_blocks, *generator.ups]:
                    block.forward = partial(checkpoint, block.forward, use_reentrant=False, preserve_rng_state=False)
        if self.config.compile:
            torch._dynamo.config.trace_autograd_ops = True  # else every normalisation of ours breaks the graph
            # four networks of one class, and a trial for each number of pieces: with 8, the last ones would not be compiled
            torch._dynamo.config.recompile_limit = 64
            for network in self.networks.children():
                network.compile(dynamic=False)  # sizes never change, and as unknowns they defeat the compiler

    def _set_learning_rates(self) -> None:
        rates = (
            (self.generator_optimizer, self.config.learning_rate_at(self.step)),
            (self.discriminator_optimizer, self.config.discriminator_learning_rate_at(self.step)),
        )
        for optimizer, rate in rates:
            for group in optimizer.param_groups:
                group["lr"] = rate

    def _augmentation(self, random: torch.Generator) -> Callable[[Tensor], Tensor]:
        """Amounts are drawn for all processes' pictures at once, and each process takes its own."""

        def augment(pictures: Tensor) -> Tensor:
            def draw(numbers: int) -> Tensor:
                everyone = torch.rand(self.accelerator.num_processes, len(pictures), numbers, generator=random)
                return everyone[self.accelerator.process_index]

            return augmented(pictures, self.config.augment, draw)

        return augment


def _average(network: nn.Module, decay: float) -> AveragedModel:
    """A running average that follows closely at first: with a fixed decay it would still hold much of the random start."""

    def update(averages: Sequence[Tensor], currents: Sequence[Tensor], count: Tensor | int) -> None:
        updates = int(count)
        warm = (1 + updates) / (10 + updates)
        torch._foreach_lerp_(list(averages), list(currents), 1 - min(decay, warm))

    return AveragedModel(network, multi_avg_fn=torch.no_grad()(update))


def _parameters(optimizer: torch.optim.Adam) -> list[nn.Parameter]:
    parameters: list[nn.Parameter] = optimizer.param_groups[0]["params"]
    return parameters


def _require_grad(parameters: list[nn.Parameter], wanted: bool) -> None:
    for parameter in parameters:
        parameter.requires_grad_(wanted)
