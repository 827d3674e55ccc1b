"""One direction of a model, measured: translate every source, compare with the targets, the inputs and the truths."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .distances import PaperKid, fid, kid, kid_interval, paper_kid, subsets_for
from .features import FeatureNetwork, extract
from .protocol import Protocol, Score
from .real_set import RealSet, Settings, read_picture
from .truths import PairScores, compare, summarise

Translate = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]


@dataclass(frozen=True)
class Measurement:
    """What was found; `docs/evaluation.md` says what each number means and does not mean.

    Attributes:
        protocol: how KID and FID were measured.
        kid: translated against target pictures; lower is better.
        kid_low, kid_high: its 95 % confidence interval.
        kid_input: the same for the sources as they are: what a model that does nothing would get.
        fid: translated against target pictures.
        change: mean absolute difference between a source and its translation, in levels of 255; 0 is a copy.
        unrelated: the same between two different sources, for scale.
        diversity: how far translations differ from each other, relative to the targets; 0 where all are the same,
            None where the targets are.
        pairs: against the true pictures, where source and target share a name.
        paper_kid: the paper's averaged KID, where asked for.
        notes: plain sentences on how far the numbers can be trusted.
        skipped: a sentence for each picture that could not be read.
    """

    protocol: Protocol
    kid: float
    kid_low: float
    kid_high: float
    kid_input: float
    fid: float
    change: float
    unrelated: float
    diversity: float | None
    pairs: PairScores | None
    paper_kid: PaperKid | None
    notes: tuple[str, ...]
    skipped: tuple[str, ...]

    @property
    def score(self) -> float:
        """What a model is ranked by: KID; lower is better. `combined_score` gives it a form that can be compared."""
        return self.kid

    def as_dict(self) -> dict[str, Any]:
        """For JSON: flat, without what was not measured."""
        names = ("kid", "kid_low", "kid_high", "kid_input", "fid", "change", "unrelated", "diversity")
        numbers: dict[str, Any] = {name: getattr(self, name) for name in names}
        if self.pairs is not None:
            numbers |= {
                "pairs": self.pairs.count,
                "l1": self.pairs.l1,
                "psnr": self.pairs.psnr,
                "ssim": self.pairs.ssim,
            }
        if self.paper_kid is not None:
            numbers |= {"paper_kid": self.paper_kid.value, "paper_kid_error": self.paper_kid.error}
        counts = {"sources": self.protocol.sources, "targets": self.protocol.targets}
        lists = {"notes": list(self.notes), "skipped": list(self.skipped)}
        return {**numbers, **counts, "protocol": str(self.protocol), **lists}


def combined_score(*measurements: Measurement) -> Score:
    """The mean of their scores (of both directions, usually) with all their protocols."""
    mean = sum(measurement.score for measurement in measurements) / len(measurements)
    return Score(mean, " | ".join(str(measurement.protocol) for measurement in measurements))


def measure(
    translate: Translate,
    sources: Sequence[Path] | RealSet,
    targets: Sequence[Path] | RealSet,
    features: FeatureNetwork,
    settings: Settings,
) -> Measurement:
    """Translate all `sources` and compare them with `targets`; a RealSet saves computing its features again.

    Raises:
        BadInputError: on either side fewer than two pictures can be read.
        ValueError: a RealSet of other features or settings.
    """
    source, target = (_as_set(pictures, features, settings) for pictures in (sources, targets))
    run = _Run.over(translate, source, target, features, settings)
    fakes, reals = run.features, target.features
    protocol = _protocol(source, target, features, settings)
    subset = (protocol.subset_size, protocol.subsets, settings.seed)
    low, high = kid_interval(fakes, reals, settings.seed)
    return Measurement(
        protocol=protocol,
        kid=kid(fakes, reals, *subset),
        kid_low=low,
        kid_high=high,
        kid_input=kid(source.features, reals, *subset),
        fid=fid(fakes, reals),
        change=run.mean_change,
        unrelated=run.mean_unrelated,
        diversity=_diversity(fakes, reals),
        pairs=summarise(run.pairs),
        paper_kid=paper_kid(fakes, source.features, reals, settings.seed) if settings.paper_kid else None,
        notes=_notes(protocol, features, settings),
        skipped=source.skipped + target.skipped,
    )


@dataclass
class _Run:
    """What is gathered while the sources are translated, batch by batch."""

    parts: list[Tensor] = field(default_factory=list)
    pairs: list[Tensor] = field(default_factory=list)
    changes: list[float] = field(default_factory=list)
    unrelated: list[float] = field(default_factory=list)

    @classmethod
    def over(
        cls, translate: Translate, source: RealSet, target: RealSet, features: FeatureNetwork, settings: Settings
    ) -> _Run:
        run, truths = cls(), target.by_name
        paired = {path: truths[name] for name, path in source.by_name.items() if name in truths}
        previous: NDArray[np.uint8] | None = None
        for first in range(0, len(source.paths), settings.batch_size):
            paths = source.paths[first : first + settings.batch_size]
            inputs = np.stack([read_picture(path, settings.size) for path in paths])
            outputs = translate(inputs)
            run.parts.append(extract(features, outputs))
            run.changes += _differences(outputs, inputs)
            # the order is random, so that neighbours have nothing to do with each other
            before = inputs if previous is None else np.concatenate([previous, inputs])
            run.unrelated += _differences(before[1:], before[:-1])
            previous = inputs[-1:]
            known = [i for i, path in enumerate(paths) if path in paired]
            if known:
                true = np.stack([read_picture(paired[paths[i]], settings.size) for i in known])
                run.pairs.append(compare(outputs[known], true))
        return run

    @property
    def features(self) -> Tensor:
        return torch.cat(self.parts)

    @property
    def mean_change(self) -> float:
        return sum(self.changes) / len(self.changes)

    @property
    def mean_unrelated(self) -> float:
        return sum(self.unrelated) / len(self.unrelated)


def _as_set(pictures: Sequence[Path] | RealSet, features: FeatureNetwork, settings: Settings) -> RealSet:
    if not isinstance(pictures, RealSet):
        return RealSet.read(pictures, features, settings)
    if pictures.measured_by != (features.name, settings.size, settings.seed):
        raise ValueError(f"these features were made by {pictures.measured_by}, not {features.name}, {settings}")
    return pictures


def _protocol(source: RealSet, target: RealSet, features: FeatureNetwork, settings: Settings) -> Protocol:
    sources, targets = len(source.paths), len(target.paths)
    size, subsets = subsets_for(sources, targets, settings.subset_size, settings.subsets)
    return Protocol(
        features=features.name,
        resize=features.resize,
        size=settings.size,
        sources=sources,
        targets=targets,
        pictures=f"{source.digest}-{target.digest}",
        subset_size=size,
        subsets=subsets,
        seed=settings.seed,
    )


def _differences(left: NDArray[np.uint8], right: NDArray[np.uint8]) -> list[float]:
    """Mean absolute difference in levels of each picture (N, H, W, 3) of one batch from that of the other."""
    levels: list[float] = np.abs(left.astype(np.int16) - right).mean(axis=(1, 2, 3)).tolist()
    return levels


def _diversity(fakes: Tensor, reals: Tensor) -> float | None:
    """Ratio of root mean square distances between two pictures of a set, which is that of the roots of their variances."""
    ours, theirs = (float(features.var(dim=0).sum()) for features in (fakes, reals))
    return (ours / theirs) ** 0.5 if theirs > 0 else None


def _notes(protocol: Protocol, features: FeatureNetwork, settings: Settings) -> tuple[str, ...]:
    notes = list(features.notes)
    fewest = min(protocol.sources, protocol.targets)
    if protocol.subset_size < settings.subset_size:
        notes.append(f"KID is taken over {fewest} pictures at a time, not {settings.subset_size}: there are no more")
    if fewest <= features.num_features:
        text = f"FID is too high with {fewest} pictures and {features.num_features} features: it has no meaning but"
        notes.append(f"{text} beside others of the same protocol")
    return tuple(notes)
