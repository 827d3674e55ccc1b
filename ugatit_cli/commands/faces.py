"""What `--faces` and `--face-model` come to, for the model at hand."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, cast

import typer

from .. import hub
from ..console import Console
from ..errors import NetworkError, UsageError
from ..model_file import naming, open_model

if TYPE_CHECKING:
    from ..faces.face import FaceFraming
    from ..faces.translating import Faces
    from ..framing import Framing, OutputSize
    from ..loading import LoadedModel

FacesMode = Literal["off", "all", "largest", "crop"]
FacesOption = Annotated[
    Literal["auto", "all", "largest", "off", "crop"],
    typer.Option(
        "--faces",
        help="Translate the faces in a picture, turned and scaled as the model knows them, and put them back: all, or the "
        "largest; crop gives the faces themselves. Auto: all where the model knows little but faces and results have the source's size, else off.",
    ),
]
FaceModelOption = Annotated[
    Path | None,
    typer.Option(
        "--face-model", metavar="FILE", show_default="YuNet, from the Hub", help="Another face detector's graph."
    ),
]


@dataclass(frozen=True)
class FaceChoice:
    """Attributes:
    mode: what is really done.
    detector: its file; None where there is nothing to find.
    notes: what that means for every picture.
    place: the model's own numbers for `faces.face.FaceFraming`; empty for the usual ones.
    """

    mode: FacesMode = "off"
    detector: Path | None = None
    notes: tuple[str, ...] = ()
    place: tuple[float, ...] = ()

    @property
    def framing(self) -> FaceFraming:
        from ..faces.face import FaceFraming

        return FaceFraming(*self.place)

    @property
    def identity(self) -> str:
        """What results depend on: the mode, the detector's sha256, and where faces are put for the model.

        Raises:
            UsageError, BadModelError, RefusedError: the detector is no file that can be read.
        """
        if self.detector is None:
            return self.mode
        with naming(self.detector, "face detector"), open_model(self.detector) as file:
            return f"{self.mode} {hashlib.file_digest(file, 'sha256').hexdigest()} {astuple(self.framing)}"


def check_films(asked: str, detector: Path | None, films: Sequence[Path]) -> None:
    """Raises UsageError where faces shall be looked for in a film."""
    if not films or (asked in ("auto", "off") and detector is None):
        return
    option = "--face-model" if asked in ("auto", "off") else f"--faces {asked}"
    text = f"{option} is for pictures, and {films[0]} is a film: its frames are translated as a whole"
    raise UsageError(text, hint="leave the films out, and translate them without it", name="options-contradict")


def face_mode(
    asked: str, entry: hub.RegistryEntry | None, *, extras: bool, output_size: OutputSize, console: Console
) -> FacesMode:
    """What `--faces` comes to. Raises UsageError: it contradicts other options."""
    if asked == "crop" and extras:
        text = "--faces crop has no --heatmap and no --compare: its results are parts of the picture"
        raise UsageError(text, hint="leave them out", name="options-contradict")
    if asked in ("all", "largest") and output_size == "model":
        text = f"--faces {asked} has no --output-size model: faces are put back into the picture"
        raise UsageError(text, hint="leave --output-size out, or write --faces crop", name="options-contradict")
    if asked != "auto":
        return cast("FacesMode", asked)
    if entry is None or not entry.face_only:
        return "off"
    if output_size == "model":
        console.note("whole pictures are translated: with --output-size model, no faces are put back")
        return "off"
    return "all"


def choose_faces(
    mode: FacesMode, detector: Path | None, entry: hub.RegistryEntry | None, console: Console, *, fetch: bool
) -> FaceChoice:
    """Fetches the detector where one is needed; without the network, the whole picture is treated, and that is said.

    Without `fetch`, for a dry run, it is the one that is here already, or none.

    Raises:
        UsageError: there is a detector, and nothing to find.
        RefusedError: the detector is not the one that is meant.
    """
    if mode == "off":
        if detector is not None:
            text = "--face-model finds faces, and whole pictures are translated with this model and these options"
            raise UsageError(text, hint="leave it out, or write --faces all", name="options-contradict")
        return FaceChoice()
    from ..hub.face_detector import fetch_face_detector, find_face_detector

    try:
        path = detector or (fetch_face_detector(console) if fetch else find_face_detector())
    except NetworkError as error:
        console.warning(f"no face detector is at hand ({error.message}): whole pictures are translated")
        return FaceChoice(notes=("no face detector was at hand: translated as a whole",))
    return FaceChoice(mode, path, place=entry.face if entry else ()) if path else FaceChoice()


def face_backend(choice: FaceChoice, loaded: LoadedModel, whole: Framing, batch_size: int | None) -> Faces | None:
    """What translates faces with the loaded model, so many at a time; None where whole pictures are meant."""
    if choice.detector is None:
        return None
    from ..faces.crops import FaceCrops
    from ..faces.detector import FaceDetector
    from ..faces.translating import FaceTranslator, FaceWish

    wish = FaceWish(FaceDetector(choice.detector), choice.framing, choice.mode == "largest", whole)
    kind = FaceCrops if choice.mode == "crop" else FaceTranslator
    return kind(loaded.backend, wish, batch_size)


def say_without(faces: Faces, console: Console) -> None:
    """At the end: in how many of several pictures nothing was found; each of them has its own note."""
    if faces.without and faces.pictures > 1:
        console.warning(f"no face was found in {faces.without} of {faces.pictures} pictures")
