"""A film's frames, through the whole of it."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from steadying.films import Normalising, Pixels, Plain, crossing, dimming, flicker, levels, noisy, photograph

from ugatit_cli.backends import Backend
from ugatit_cli.steadying import Steadier, Strength
from ugatit_cli.steadying import steadier as module
from ugatit_cli.steadying.flicker import sharpness
from ugatit_cli.steadying.motion import find_motion
from ugatit_cli.steadying.scene import Scene


def steadied(film: list[Pixels], backend: Backend, strength: Strength = "auto") -> list[Pixels]:
    steadier = Steadier(backend, strength)
    return [each.pixels for each in (*steadier.push(film), *steadier.finish())]


def upside_down(film: list[Pixels]) -> list[Pixels]:
    return [np.ascontiguousarray(frame[::-1]) for frame in film]


def test_off_is_the_plain_translation() -> None:
    film = crossing(5)
    steadier = Steadier(Normalising(), "off")
    shown = [each.pixels for each in steadier.push(film)]
    assert (np.stack(shown) == Normalising()(np.stack(film))).all()
    assert [*steadier.finish()] == [] and steadier.report.as_dict()["pairs"] == 0


@pytest.mark.parametrize("count", [1, 2, 3, 7, module.STRETCH, 2 * module.STRETCH + 5])
@pytest.mark.parametrize("backend", [Plain, Normalising])
def test_every_frame_comes_out_in_its_order(backend: type[Plain], count: int) -> None:
    film = [photograph() for _ in range(count)]
    for place, frame in enumerate(film):
        frame[:4, :4] = place
    steadier = Steadier(backend(), "auto", heatmap=True)
    shown = [*steadier.push(film), *steadier.finish()]
    assert len(shown) == count
    for frame, each in zip(film, shown, strict=True):
        assert each.heatmap is not None and (each.heatmap == frame[::4, ::4, 0]).all()


def test_so_few_frames_are_held_back_as_fit_into_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    steadier = Steadier(Plain(), "auto")
    given = [len([*steadier.push([photograph()])]) for _ in range(module.STRETCH + 1)]
    assert sum(given) == module.STRETCH
    monkeypatch.setattr(module, "STRETCH_BYTES", 10 * 64 * 64 * module.BYTES_PER_PIXEL)
    assert len([*Steadier(Plain(), "auto").push([photograph()] * 10)]) == 10


def test_what_the_caller_keeps_of_each_frame_counts_too() -> None:
    steadier = Steadier(Plain(), "auto", kept_bytes=module.STRETCH_BYTES // 10)
    assert steadier.most_held_back(64, 64) == 9
    assert [len([*steadier.push([photograph()])]) for _ in range(9)] == [0] * 8 + [9]


def test_frames_come_out_one_by_one() -> None:
    """Whoever writes the first ones does so while the others are translated."""
    backend = Plain()
    steadier = Steadier(backend, "auto", batch_size=1)
    given = steadier.push(noisy(module.STRETCH))
    next(given)
    assert 0 < backend.frames <= 3
    assert len([*given]) == module.STRETCH - 1


@pytest.mark.parametrize("backend", [Plain, Normalising])
def test_frames_that_are_looked_at_ahead_come_out_the_same(backend: type[Plain]) -> None:
    film, steadier = crossing(30) + upside_down(crossing(20)), Steadier(backend(), "auto")
    with ThreadPoolExecutor(1) as other:
        for frame in film:
            other.submit(steadier.look_at, frame)
    shown = [each.pixels for each in (*steadier.push(film), *steadier.finish())]
    assert all((one == other).all() for one, other in zip(shown, steadied(film, backend()), strict=True))


@pytest.mark.parametrize("backend", [Plain, Normalising])
def test_how_the_film_is_handed_over_does_not_matter(backend: type[Plain]) -> None:
    film, steadier = crossing(60), Steadier(backend(), "auto")
    shown = [each for frame in film for each in steadier.push([frame])]
    shown += steadier.finish()
    assert all((one.pixels == other).all() for one, other in zip(shown, steadied(film, backend()), strict=True))


@pytest.mark.parametrize("backend", [Plain, Normalising])
@pytest.mark.parametrize("segment", [2, 25])
def test_a_film_that_goes_on_later_is_the_same_film(backend: type[Plain], segment: int) -> None:
    """Its state goes to a file and back between all segments."""
    film = crossing(40) + upside_down(noisy(30))
    whole, kept, state = Steadier(backend(), "auto"), [], None
    expected = []
    for first in range(0, len(film), segment):
        part = film[first : first + segment]
        expected += [*whole.push(part), *whole.finish()]
        resumed = Steadier(backend(), "auto")
        if state is not None:
            resumed.restore(np.load(io.BytesIO(state)))
        kept += [*resumed.push(part), *resumed.finish()]
        file = io.BytesIO()
        np.savez(file, allow_pickle=False, **resumed.state())
        state = file.getvalue()
    assert all((one.pixels == other.pixels).all() for one, other in zip(kept, expected, strict=True))
    assert resumed.report == whole.report


def test_a_film_that_has_not_begun_can_be_kept_too() -> None:
    steadier = Steadier(Normalising(), "auto")
    steadier.restore(Steadier(Normalising(), "auto").state())
    assert len([*steadier.push(crossing(5)), *steadier.finish()]) == 5


@pytest.mark.parametrize("backend", [Plain, Normalising])
def test_nothing_bleeds_across_a_cut(backend: type[Plain]) -> None:
    first, second = crossing(20), upside_down(crossing(20))
    shown = steadied(first + second, backend())
    assert all((one == other).all() for one, other in zip(shown[20:], steadied(second, backend()), strict=True))


def test_statistics_are_held_where_something_moves() -> None:
    film, backend = crossing(40), Normalising()
    plain, shown = list(backend(np.stack(film))), steadied(film, backend)
    assert flicker(film, shown) < 0.5 * flicker(film, plain)
    assert backend.held == 40


def test_each_frame_keeps_its_own_where_the_light_changes() -> None:
    film, backend = dimming(24), Normalising()
    plain, shown = list(backend(np.stack(film))), steadied(film, backend)
    assert flicker(film, shown) <= flicker(film, plain) + 0.01
    assert backend.held == 2


def test_both_at_once_need_the_light_put_right() -> None:
    film = [levels(frame * gain) for frame, gain in zip(crossing(40), np.linspace(1, 0.7, 40), strict=True)]
    backend = Normalising()
    plain, shown = list(backend(np.stack(film))), steadied(film, backend)
    assert backend.held == 40 and flicker(film, shown) < 0.6 * flicker(film, plain)
    assert np.abs(np.mean(shown[-1]) - np.mean(shown[0])) < 5  # neither got darker, as the plain one does not


def test_the_last_frames_of_a_segment_go_on_as_it_did() -> None:
    backend = Normalising()
    steadier = Steadier(backend, "auto")
    film = crossing(43)
    [*steadier.push(film[:40]), *steadier.finish()]
    before = backend.frames
    assert len([*steadier.push(film[40:]), *steadier.finish()]) == 3
    assert backend.frames == before and backend.held == 43


def test_what_blurs_is_not_held() -> None:
    """However little it flickers."""
    scene, frame = Scene(), photograph()
    motion_of_nothing = find_motion(frame, frame)
    grey = np.full_like(frame, 128)
    scene.judge(motion_of_nothing, (frame, levels(frame * 0.9)), (grey, grey))
    assert not scene.held and scene.flicker[1] < scene.flicker[0]


def test_a_strangers_graph_is_blended_all_the_same() -> None:
    film, backend = noisy(20), Plain()
    assert flicker(film, steadied(film, backend)) < 0.6 * flicker(film, film)
    assert backend.frames == 20


@pytest.mark.parametrize("film", [crossing(20), dimming(20), noisy(20), [photograph()] * 20])
@pytest.mark.parametrize("strength", ["auto", 0.3, 1.0])
def test_steadied_never_flickers_more(film: list[Pixels], strength: Strength) -> None:
    plain = list(Normalising()(np.stack(film)))
    shown = steadied(film, Normalising(), strength)
    assert flicker(film, shown) <= flicker(film, plain) + 0.01
    assert np.mean([*map(sharpness, shown)]) == pytest.approx(np.mean([*map(sharpness, plain)]), rel=0.05)


def test_the_report_says_what_it_was_good_for() -> None:
    steadier = Steadier(Normalising(), "auto")
    [*steadier.push(noisy(60)), *steadier.finish()]
    report = steadier.report.as_dict()
    assert report["pairs"] == 2 and report["steadied"] < 0.5 * report["without"] < report["source"]


def test_batches_are_as_large_as_was_said() -> None:
    class Counting(Plain):
        sizes: list[int] = []

        def __call__(self, pictures: Pixels) -> Pixels:
            self.sizes.append(len(pictures))
            return super().__call__(pictures)

    backend = Counting()
    steadier = Steadier(backend, "auto", batch_size=4)
    [*steadier.push(crossing(10)), *steadier.finish()]
    assert backend.sizes == [2, 4, 4]  # where the film is busiest, and the rest
