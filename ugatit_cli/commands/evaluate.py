"""`ugatit evaluate`: how good a model is, measured on two folders of pictures that it was not trained on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .. import __version__, hub
from ..config import Direction
from ..console import Console
from ..errors import UsageError
from . import options
from .report import errors_as_json

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ..evaluation import FeatureNetwork, Measurement, RealSet, Settings
    from ..weights import ModelWeights

DEFAULT_BATCH = 8
LABEL_WIDTH = 13

FolderA = Annotated[Path, typer.Option("--a", help="Folder of domain A's pictures.", show_default=False)]
FolderB = Annotated[Path, typer.Option("--b", help="Folder of domain B's pictures.", show_default=False)]
DirectionOption = Annotated[
    Direction | None, typer.Option("--direction", show_default="all that the model has", help="Measure only this way.")
]
FeaturesOption = Annotated[
    str,
    typer.Option(
        "--features",
        metavar="builtin|FILE",
        help="What KID and FID look at: built-in statistics, or the Inception network whose weights are in FILE.",
    ),
]
SeedOption = Annotated[
    int, typer.Option("--seed", min=0, max=2**31 - 1, help="Decides the order of the pictures and the random subsets.")
]
PaperKidOption = Annotated[
    bool, typer.Option("--paper-kid", help="Also compute the averaged KID of U-GAT-IT's paper, under its own name.")
]


def evaluate(
    a: FolderA,
    b: FolderB,
    model: options.ModelOption = hub.BY_NAME + hub.DEFAULT_MODEL,
    direction: DirectionOption = None,
    size: options.SizeOption = None,
    features: FeaturesOption = "builtin",
    batch_size: options.BatchSizeOption = None,
    device: options.DeviceOption = "auto",
    seed: SeedOption = 0,
    paper_kid: PaperKidOption = False,
    as_json: options.JsonOption = False,
    verbose: options.VerboseOption = False,
    quiet: options.QuietOption = False,
) -> None:
    """Measure a model: KID and FID, how much it changes, how varied it is, and its errors where the truth is known.

    Pictures of A and B with the same name (without ending) at the same place below their folders count as pairs: the
    translation of one should be the other.
    Numbers carry the protocol they were measured by; only those of equal protocol can be compared.
    """
    console = Console(options.verbosity(verbose, quiet))
    with errors_as_json(console, "evaluate", wanted=as_json), console.captured_noise():
        found = hub.resolve(model, direction=direction, watcher=console)
        asked = Request(a, b, found, direction, size, features, batch_size or DEFAULT_BATCH, device, seed, paper_kid)
        evaluated = _evaluate(asked, console)
    console.write((_json(evaluated) if as_json else _text(evaluated)).encode())


@dataclass(frozen=True)
class Request:
    """What was asked for; for the fields see the options of `evaluate`."""

    a: Path
    b: Path
    model: hub.ResolvedModel
    direction: Direction | None
    size: int | None
    features: str
    batch_size: int
    device: str
    seed: int
    paper_kid: bool


@dataclass(frozen=True)
class Evaluated:
    """A model's measurements by direction, and what was measured."""

    model: hub.ResolvedModel
    sha256: str
    device: str
    measurements: dict[Direction, Measurement]


def _evaluate(asked: Request, console: Console) -> Evaluated:
    from .. import weights
    from ..backends.pytorch import choose_device
    from ..evaluation import RealSet, Settings, load_features
    from ..training.data import list_pictures

    folders = {"a": asked.a, "b": asked.b}
    listed = {domain: list_pictures(folder) for domain, folder in folders.items()}
    loaded = weights.load(asked.model.path)
    for note in loaded.notes:
        console.note(f"{asked.model.path}: {note}")
    directions = [loaded.generator(asked.direction)[0]] if asked.direction else sorted(loaded.generators)
    device = choose_device(asked.device)
    features = load_features(asked.features, device)
    settings = Settings(_size(asked, loaded), asked.batch_size, asked.seed, paper_kid=asked.paper_kid)
    sets = {}
    for domain, paths in listed.items():
        console.note(f"reading {len(paths)} pictures of {domain.upper()}")
        sets[domain] = RealSet.read(paths, features, settings, folders[domain])
        for message in sets[domain].skipped:
            console.warning(f"left out: {message}")
    found = Evaluated(asked.model, loaded.sha256, device.type, {})
    for way in directions:
        measuring = Measuring(sets[way[0]], sets[way[-1]], features, settings)
        found.measurements[way] = _measure(measuring, loaded, way, asked.device, console)
    return found


@dataclass(frozen=True)
class Measuring:
    """What `measure` needs beside a translation."""

    sources: RealSet
    targets: RealSet
    features: FeatureNetwork
    settings: Settings


def _measure(what: Measuring, loaded: ModelWeights, direction: Direction, device: str, console: Console) -> Measurement:
    from ..backends import load_backend
    from ..evaluation import measure

    backend = load_backend(loaded.config, dict(loaded.generators[direction]), device)
    console.note(f"translating {len(what.sources.paths)} pictures, {direction}")
    with console.progress(len(what.sources.paths)) as advance:

        def translate(pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
            outputs = backend(pictures)
            for _ in outputs:
                advance()
            return outputs

        measurement = measure(translate, what.sources, what.targets, what.features, what.settings)
    for note in measurement.notes:
        console.note(f"note: {note}")
    return measurement


def _size(asked: Request, loaded: ModelWeights) -> int:
    config = loaded.config
    if asked.size is not None and asked.size != config.image_size and not config.any_size:
        text = f"this model works at {config.image_size} pixels only"
        raise UsageError(text, hint="leave --size out", name="size-fixed")
    return asked.size or config.image_size


def _json(evaluated: Evaluated) -> str:
    facts = {
        "ugatit": __version__,
        "command": "evaluate",
        "model": {"path": str(evaluated.model.path), "sha256": evaluated.sha256},
        "device": evaluated.device,
    }
    return json.dumps(facts | {way: found.as_dict() for way, found in evaluated.measurements.items()}, indent=1) + "\n"


def _text(evaluated: Evaluated) -> str:
    """A table per direction."""
    tables = []
    for direction, found in evaluated.measurements.items():
        rows = "".join(f"  {label:{LABEL_WIDTH}}{text}\n" for label, text in _rows(found))
        tables.append(f"{direction}\n{rows}")
    return "\n".join(tables)


def _rows(found: Measurement) -> Iterator[tuple[str, str]]:
    by = found.protocol.features
    between = f"95 % between {found.kid_low:.4f} and {found.kid_high:.4f}"
    yield "KID", f"{found.kid:.4f} by {by}   {between}; 0 is best, untranslated {found.kid_input:.4f}"
    yield "FID", f"{found.fid:.2f} by {by}"
    if found.paper_kid is not None:
        value, error = found.paper_kid
        unsure = "(one block: no error)" if error is None else f"+- {error:.2f}"
        yield "paper's KID", f"{value:.2f} {unsure} by {by}   x 100, average of source and target"
    change = f"{found.change:.1f}   levels of 255 from the input"
    yield "change", f"{change}; two unrelated inputs differ by {found.unrelated:.1f}"
    diversity = "not defined   the real pictures are all the same"
    if found.diversity is not None:
        diversity = f"{found.diversity:.2f}   1 is as varied as the real pictures, 0 always the same"
    yield "diversity", diversity
    if found.pairs is not None:
        pairs = found.pairs
        errors = f"L1 {pairs.l1:.2f} levels, PSNR {pairs.psnr:.2f} dB, SSIM {pairs.ssim:.3f}"
        yield "to the truth", f"{errors}   {pairs.count} pairs"
    yield "protocol", str(found.protocol)
