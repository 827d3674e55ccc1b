"""Reading, translating and writing together: order, batches, failures, bounds and endings."""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pipeline.inverting import InvertingBackend

from ugatit_cli.backends import Backend
from ugatit_cli.backends.batching import LARGEST
from ugatit_cli.errors import BadInputError, ResourceError
from ugatit_cli.framing import Framing, frame
from ugatit_cli.pipeline.journal import Journal
from ugatit_cli.pipeline.outcomes import Failure, Outcome, Written
from ugatit_cli.pipeline.pending import Choices, sort_jobs
from ugatit_cli.pipeline.pictures import WINDOW, Translation, Translator, run_jobs, translate
from ugatit_cli.pipeline.plan import Job
from ugatit_cli.pipeline.settings import Settings
from ugatit_cli.pipeline.sources import Source
from ugatit_cli.pipeline.writing import Writer

Photo = Callable[..., Path]
Plan = Callable[..., list[Job]]
SETTINGS = Settings(direction=None, size=None, fit="keep", output_size="source", quality=95)
FRAMING = Framing("keep", 32, True)


def translator(backend: Backend, **options: object) -> Translator:
    return Translator(backend, FRAMING, Choices("refuse", "m", "s").origin, **options)  # type: ignore[arg-type]


def run(jobs: list[Job], backend: Backend, **options: object) -> list[Outcome]:
    journals = {job.root: Journal(job.root) for job in jobs if job.root}
    return list(run_jobs(jobs, translator(backend, **options), Writer(SETTINGS, journals)))


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


def test_pictures_are_translated_into_files_of_their_size_and_recorded(
    tmp_path: Path, photo: Photo, planned: Plan
) -> None:
    for name, size in (("a.png", (32, 32)), ("sub/b.png", (50, 40)), ("c.png", (7, 90))):
        photo(tmp_path / "in" / name, size=size)
    jobs = planned()
    outcomes = run(jobs, InvertingBackend())
    assert [outcome.files["result"] for outcome in outcomes if isinstance(outcome, Written)] == [
        tmp_path / "out" / name for name in ("a.png", "c.png", "sub/b.png")
    ]
    for job in jobs:
        assert (pixels(job.targets["result"]) == 255 - pixels(job.source.path)).all()
    again = sort_jobs(planned(), {tmp_path / "out": Journal(tmp_path / "out")}, Choices("refuse", "m", "s"))
    assert (again.todo, len(again.skipped)) == ([], 3)


def test_a_bad_picture_fails_alone_and_in_its_place(tmp_path: Path, photo: Photo, planned: Plan) -> None:
    for name in ("a.png", "c.png", "e.png"):
        photo(tmp_path / "in" / name)
    (tmp_path / "in" / "b.png").write_bytes(b"")
    (tmp_path / "in" / "d.png").symlink_to("nowhere")
    outcomes = run(planned(), InvertingBackend(device="cuda"), batch_size=8)
    assert [type(outcome) for outcome in outcomes] == [Written, Failure, Written, Failure, Written]
    errors = [outcome.error.name for outcome in outcomes if isinstance(outcome, Failure)]
    assert errors == ["image-empty", "input-missing"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir() if path.suffix == ".png") == [
        "a.png",
        "c.png",
        "e.png",
    ]


def test_pictures_of_one_size_share_batches_though_others_lie_between(
    tmp_path: Path, photo: Photo, planned: Plan
) -> None:
    for number in range(12):
        photo(tmp_path / "in" / f"{number:02}.png", size=(32, 64) if number % 2 else (64, 32), colour=(number, 0, 0))
    backend = InvertingBackend(device="cuda")
    outcomes = run(planned(), backend, batch_size=4)
    assert sorted(shape[0] for shape in backend.batches) == [2, 2, 4, 4]
    assert [outcome.files["result"].name for outcome in outcomes if isinstance(outcome, Written)] == [
        f"{number:02}.png" for number in range(12)
    ]
    for number in range(12):
        assert (pixels(tmp_path / "out" / f"{number:02}.png")[..., 0] == 255 - number).all()


@pytest.mark.parametrize(("batch_size", "expected"), [(None, 1), (3, 3)])
def test_batch_sizes_on_a_cpu(batch_size: int | None, expected: int) -> None:
    assert translator(InvertingBackend(), batch_size=batch_size).batches.limit((32, 32)) == expected


def test_a_gpus_batch_grows_as_long_as_it_pays() -> None:
    """A call takes the same time whatever its size: the largest is the best."""
    backend = InvertingBackend(device="cuda", seconds=0.005)
    assert translator(backend).batches.limit((16, 16)) == LARGEST


def test_a_gpu_tries_no_batch_that_is_larger_than_what_is_there() -> None:
    for pictures in (1, 5, 8):
        backend = InvertingBackend(device="cuda", seconds=0.01)
        assert translator(backend, pictures=pictures).batches.limit((16, 16)) == 2 ** (pictures.bit_length() - 1)
        assert max((shape[0] for shape in backend.batches), default=0) == (0 if pictures == 1 else pictures & 12)


def test_a_gpu_tries_one_size_and_takes_as_much_of_others() -> None:
    backend = InvertingBackend(device="cuda", memory=8, seconds=0.005)
    run_translator = translator(backend)
    assert run_translator.batches.limit((32, 32)) == 8
    tried = len(backend.batches)
    assert [run_translator.batches.limit(size) for size in ((32, 64), (16, 32), (256, 256))] == [4, 16, 1]
    assert len(backend.batches) == tried


def test_a_gpus_batch_fits_into_its_memory() -> None:
    backend = InvertingBackend(device="cuda", seconds=0.005, memory=5)
    assert translator(backend).batches.limit((16, 16)) == 4


def test_a_batch_that_does_not_fit_is_halved_and_nothing_is_lost(tmp_path: Path, photo: Photo, planned: Plan) -> None:
    for number in range(8):
        photo(tmp_path / "in" / f"{number}.png", size=(32, 32), colour=(number, 0, 0))
    backend = InvertingBackend(device="cuda", memory=3)
    outcomes = run(planned(), backend, batch_size=8)
    assert [type(outcome) for outcome in outcomes] == [Written] * 8
    assert [shape[0] for shape in backend.batches] == [2, 2, 2, 2]
    for number in range(8):
        assert (pixels(tmp_path / "out" / f"{number}.png")[..., 0] == 255 - number).all()


def test_one_picture_that_does_not_fit_ends_the_run(tmp_path: Path, photo: Photo, planned: Plan) -> None:
    photo(tmp_path / "in" / "a.png", size=(32, 32))
    with pytest.raises(ResourceError):
        run(planned(), InvertingBackend(device="cuda", memory=0), batch_size=1)


def test_many_sizes_do_not_wait_for_each_other_for_ever(tmp_path: Path, photo: Photo, planned: Plan) -> None:
    """With all pictures of different sizes, no more than the window is read before the first is written."""
    for number in range(24):
        photo(tmp_path / "in" / f"{number:02}.png", size=(32, 32 + 4 * number))
    read = []
    jobs = planned()
    choices = Choices("refuse", "m", "s")

    def origin(job: Job) -> None:
        read.append(choices.origin(job))

    run_translator = Translator(InvertingBackend(device="cuda"), FRAMING, origin, batch_size=2)
    outcomes = run_jobs(jobs, run_translator, Writer(SETTINGS, {tmp_path / "out": Journal(tmp_path / "out")}))
    next(outcomes)
    assert len(read) <= 16
    assert len(list(outcomes)) == 23


class CountingBackend(InvertingBackend):
    """Counts, now and then, the pictures that are held anywhere in the process."""

    held = 0

    def __call__(self, pictures: np.ndarray) -> np.ndarray:
        if len(self.batches) % 10 == 9:
            self.held = max(self.held, sum(type(thing) is Translation for thing in gc.get_objects()))
        return super().__call__(pictures)


def test_memory_does_not_grow_with_the_number_of_pictures(tmp_path: Path, photo: Photo, planned: Plan) -> None:
    for number in range(60):
        photo(tmp_path / "in" / f"{number:02}.png")
    backend = CountingBackend()
    assert len(run(planned(), backend)) == 60
    assert 1 <= backend.held <= 6


def test_a_request_to_stop_ends_the_run_after_what_is_under_way(tmp_path: Path, photo: Photo, planned: Plan) -> None:
    for number in range(20):
        photo(tmp_path / "in" / f"{number:02}.png")
    stop, written = threading.Event(), []
    journals = {tmp_path / "out": Journal(tmp_path / "out")}
    steps = run_jobs(planned(), translator(InvertingBackend(), stopped=stop.is_set), Writer(SETTINGS, journals))
    for outcome in steps:
        assert isinstance(outcome, Written)
        written.append(outcome.files["result"].name)
        if len(written) == 5:
            stop.set()
    assert 5 <= len(written) <= 8
    assert sorted(path.name for path in (tmp_path / "out").glob("*.png")) == written


class WatchfulBackend(InvertingBackend):
    """Cannot start while an error is still held, and with it all that its traceback saw: a GPU's memory is full of that."""

    def __call__(self, pictures: np.ndarray) -> np.ndarray:
        assert sys.exc_info() == (None, None, None)
        return super().__call__(pictures)


def test_half_a_batch_starts_when_the_whole_one_has_been_let_go(tmp_path: Path, photo: Photo, planned: Plan) -> None:
    for number in range(8):
        photo(tmp_path / "in" / f"{number}.png")
    outcomes = run(planned(), WatchfulBackend(device="cuda", memory=2), batch_size=8)
    assert all(isinstance(outcome, Written) for outcome in outcomes)


class FailingBackend(InvertingBackend):
    """Runs out of memory at its third batch."""

    def __call__(self, pictures: np.ndarray) -> np.ndarray:
        if len(self.batches) == 2:
            raise ResourceError("the memory is too small", name="out-of-memory")
        return super().__call__(pictures)


def test_what_hits_every_picture_stops_the_run_after_the_good_ones(tmp_path: Path, photo: Photo, planned: Plan) -> None:
    for name in ("a.png", "b.png", "c.png", "d.png"):
        photo(tmp_path / "in" / name)
    outcomes = run_jobs(
        planned(), translator(FailingBackend()), Writer(SETTINGS, {tmp_path / "out": Journal(tmp_path / "out")})
    )
    names = []
    with pytest.raises(ResourceError):
        for outcome in outcomes:
            assert isinstance(outcome, Written)
            names.append(outcome.files["result"].name)
    assert names == ["a.png", "b.png"]


def test_a_source_that_breaks_off_costs_only_what_follows(tmp_path: Path, photo: Photo, planned: Plan) -> None:
    for name in ("a.png", "b.png", "c.png"):
        photo(tmp_path / "in" / name)
    jobs = planned()

    def broken() -> object:
        yield from jobs[:2]
        raise BadInputError("the list of pictures ends here", name="broken")

    writer = Writer(SETTINGS, {tmp_path / "out": Journal(tmp_path / "out")})
    outcomes, names = run_jobs(broken(), translator(InvertingBackend(device="cuda"), batch_size=8), writer), []  # type: ignore[arg-type]
    with pytest.raises(BadInputError, match="ends here"):
        for outcome in outcomes:
            assert isinstance(outcome, Written)
            names.append(outcome.files["result"].name)
    assert names == ["a.png", "b.png"]


def test_closing_early_leaves_no_thread_and_no_part(tmp_path: Path, photo: Photo, planned: Plan) -> None:
    for number in range(8):
        photo(tmp_path / "in" / f"{number}.png")
    before = threading.active_count()
    outcomes = run_jobs(
        planned(), translator(InvertingBackend()), Writer(SETTINGS, {tmp_path / "out": Journal(tmp_path / "out")})
    )
    next(outcomes)
    outcomes.close()
    assert threading.active_count() == before
    assert list((tmp_path / "out").glob("*-part")) == []


def test_one_picture_of_another_shape_does_not_hold_up_all_that_follow() -> None:
    taken = 0

    def source() -> Iterator[Translation]:
        nonlocal taken
        for number in range(500):
            taken += 1
            framed = frame(np.zeros((60, 40, 3) if number == 0 else (48, 64, 3), np.uint8), FRAMING)
            yield Translation(Job(Source(Path("a"), Path("a")), {}, "png"), None, framed, None, None, (), 0.0)

    pictures = translate(source(), translator(InvertingBackend(), batch_size=4))
    assert next(pictures) is not None
    assert taken <= WINDOW * 4
    assert sum(1 for _ in pictures) == 499
