"""Pictures through a generator: reading, translating and writing at the same time, in order, in bounded memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import takewhile
from time import perf_counter
from typing import TYPE_CHECKING

from .. import framing, images
from ..backends import Backend
from ..backends.batching import Batches
from ..errors import ExitCode, UgatitError
from ..framing import Framed
from .journal import Origin
from .outcomes import Failure, Outcome
from .plan import Job
from .stream import close, in_order

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

WINDOW = 4  # batches' worth of pictures that may wait for others of their size
WINDOW_BYTES = 2**28
STOPS_THE_RUN = frozenset({ExitCode.RESOURCES, ExitCode.DEVICE, ExitCode.OUTPUT})  # the next picture would fail too


@dataclass(frozen=True)
class Translator:
    """How the pictures of one run are translated.

    Attributes:
        batch_size: pictures that go through the generator together; None for what suits the device.
        pictures: how many there are in all; None for no telling.
        frame: how a picture meets the generator, where that is not by `framing`: its faces.
        remarks: asked after each batch: what the user should know about each of its pictures; nothing, or one tuple each.
        keep_alpha: whether transparency belongs to the result.
        heatmap: whether the attention is wanted.
        keep_source: whether the source's pixels are wanted after translating.
        origin: what the outputs of a job will follow from.
        stopped: asked before each piece of work; True ends the run after what is under way.
    """

    backend: Backend
    framing: framing.Framing
    origin: Callable[[Job], Origin | None]
    batch_size: int | None = None
    pictures: int | None = None
    frame: Callable[[images.Pixels], Framed] | None = None
    remarks: Callable[[], Sequence[tuple[str, ...]]] = tuple
    keep_alpha: bool = True
    heatmap: bool = False
    keep_source: bool = False
    stopped: Callable[[], bool] = lambda: False

    @cached_property
    def batches(self) -> Batches:
        return Batches(self.backend, self.batch_size, self.pictures)

    @property
    def readers(self) -> int:
        """Threads that decode; on a CPU the network needs the cores itself, and a large picture a lot of memory."""
        return 1 if self.backend.device == "cpu" else 4


@dataclass
class Translation:
    """A picture on its way: read, then translated.

    Attributes:
        source: uint8 (H, W, 3) if it is wanted later.
        output: uint8 of the shape of `framed.pixels`; None until it is translated.
        heatmap: float32, a quarter of that height and width.
    """

    job: Job
    origin: Origin | None
    framed: framing.Framed
    alpha: images.Pixels | None
    source: images.Pixels | None
    notes: tuple[str, ...]
    seconds: float
    output: images.Pixels | None = None
    heatmap: NDArray[np.float32] | None = None


Write = Callable[["Translation | Failure"], Outcome]


def run_jobs(jobs: Iterable[Job], translator: Translator, write: Write) -> Generator[Outcome, None, None]:
    """`write(translate(read(jobs)))`, one outcome per job in the order of the jobs.

    A picture that cannot be read or written is a `Failure`. Closing the iterator ends the threads.

    Raises:
        UgatitError: what would hit the next picture as well: disk, memory, device, output folder.
    """
    wanted = takewhile(lambda job: not translator.stopped(), jobs)
    read = in_order(lambda job: _read(job, translator), wanted, threads=translator.readers, ahead=translator.readers)
    return in_order(write, translate(read, translator), threads=1, ahead=1)


def _read(job: Job, translator: Translator) -> Translation | Failure:
    begun = perf_counter()
    source = job.source
    try:
        if source.problem is not None:
            raise source.problem
        picture = source.picture or images.read(source.path)
        framed = (translator.frame or partial(framing.frame, framing=translator.framing))(picture.pixels)
    except UgatitError as error:
        if error.exit_code in STOPS_THE_RUN:
            raise
        return Failure(source.path, error)
    pixels = picture.pixels if translator.keep_source else None
    alpha = picture.alpha if translator.keep_alpha else None
    notes = picture.notes + framed.notes
    return Translation(job, translator.origin(job), framed, alpha, pixels, notes, perf_counter() - begun)


def translate(
    pictures: Iterable[Translation | Failure], translator: Translator
) -> Generator[Translation | Failure, None, None]:
    """Fill in `output` (and `heatmap`), in order; pictures of one size share a batch though others lie between them."""
    waiting: deque[Translation | Failure] = deque()
    source = iter(pictures)
    try:
        while True:
            try:
                item = next(source)
            except StopIteration:
                break
            except Exception:
                yield from _flush(waiting, translator)
                raise
            if translator.stopped():
                yield from (item for item in waiting if _is_finished(item))
                return
            waiting.append(item)
            if isinstance(item, Translation):
                _translate_if_due(item, waiting, translator)
            yield from _take_finished(waiting)
        yield from _flush(waiting, translator)
    finally:
        close(source)


def _translate_if_due(item: Translation, waiting: deque[Translation | Failure], translator: Translator) -> None:
    """Run the batch that `item` completes; and, when too much waits, translated or not, the one that holds up the others."""
    alike = _untranslated(waiting, item)
    limit = translator.batches.limit(item.framed.pixels.shape[:2])
    if len(alike) >= limit:
        _run(alike, translator)
    rest = _untranslated(waiting)
    if rest and (len(waiting) >= WINDOW * limit or sum(map(_held_bytes, waiting)) > WINDOW_BYTES):
        _run(_untranslated(waiting, rest[0])[:limit], translator)


def _run(batch: list[Translation], translator: Translator) -> None:
    """In parts where it does not fit into the memory; a single picture that does not is the run's error."""
    size = batch[0].framed.pixels.shape[:2]
    translator.batches.run(len(batch), size, lambda part: _run_at_once(batch[part], translator))


def _run_at_once(batch: list[Translation], translator: Translator) -> None:
    import numpy as np

    begun = perf_counter()
    pixels = np.stack([item.framed.pixels for item in batch])
    if translator.heatmap:
        outputs, heatmaps = translator.backend.translate_with_heatmap(pixels)
        for item, heatmap in zip(batch, heatmaps, strict=True):
            item.heatmap = heatmap
    else:
        outputs = translator.backend(pixels)
    share = (perf_counter() - begun) / len(batch)
    for item, output in zip(batch, outputs, strict=True):
        item.output = output
        item.seconds += share
    for item, remarks in zip(batch, translator.remarks(), strict=False):
        item.notes += remarks


def _flush(waiting: deque[Translation | Failure], translator: Translator) -> Iterator[Translation | Failure]:
    while waiting:
        rest = _untranslated(waiting)
        if rest:
            alike = _untranslated(waiting, rest[0])
            _run(alike[: translator.batches.limit(rest[0].framed.pixels.shape[:2])], translator)
        yield from _take_finished(waiting)


def _take_finished(waiting: deque[Translation | Failure]) -> Iterator[Translation | Failure]:
    while waiting and _is_finished(waiting[0]):
        yield waiting.popleft()


def _is_finished(item: Translation | Failure) -> bool:
    return isinstance(item, Failure) or item.output is not None


def _untranslated(waiting: Iterable[Translation | Failure], like: Translation | None = None) -> list[Translation]:
    """Those that have no output yet, of the size of `like` if that is given."""
    rest = [item for item in waiting if isinstance(item, Translation) and item.output is None]
    return [item for item in rest if like is None or item.framed.pixels.shape == like.framed.pixels.shape]


def _held_bytes(item: Translation | Failure) -> int:
    if isinstance(item, Failure):
        return 0
    planes = (item.framed.pixels, item.source, item.alpha, item.output, item.heatmap)
    return sum(plane.nbytes for plane in planes if plane is not None)
