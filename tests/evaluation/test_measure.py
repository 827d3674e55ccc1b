"""Measurements of translations whose quality is known beforehand."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from ugatit_cli.errors import BadInputError, UsageError
from ugatit_cli.evaluation import FeatureNetwork, RealSet, Settings, combined_score, measure
from ugatit_cli.evaluation.real_set import read_picture

Pictures = NDArray[np.uint8]
Folder = Callable[..., list[Path]]
SETTINGS = Settings(32, batch_size=3)


@pytest.fixture
def sets(folder: Folder) -> tuple[list[Path], list[Path]]:
    """Seven reddish pictures, and nine bluish ones; the first seven have the same names."""
    return folder("a", 7), folder("b", 9, (0, 0, 90), seed=1)


def copy(pictures: Pictures) -> Pictures:
    return pictures


def bluish(pictures: Pictures) -> Pictures:
    return pictures[..., ::-1].copy()


def always_the_same(pictures: Pictures) -> Pictures:
    return np.full_like(pictures, 77)


def test_a_copy_changes_nothing(sets: tuple[list[Path], list[Path]], coarse: FeatureNetwork) -> None:
    found = measure(copy, *sets, coarse, SETTINGS)
    assert (found.change, found.kid, found.score) == (0, found.kid_input, found.kid)
    assert found.unrelated > 20
    assert (found.protocol.sources, found.protocol.targets, found.protocol.subset_size) == (7, 9, 7)


def test_a_good_translation_comes_closer(sets: tuple[list[Path], list[Path]], coarse: FeatureNetwork) -> None:
    found = measure(bluish, *sets, coarse, SETTINGS)
    assert found.kid_low < found.kid < found.kid_high
    assert found.kid_high < found.kid_input
    assert found.fid < measure(copy, *sets, coarse, SETTINGS).fid
    pixels = np.stack([read_picture(path, 32) for path in sets[0]]).astype(float)
    assert found.change == pytest.approx(np.abs(pixels - pixels[..., ::-1]).mean())


def test_always_the_same_has_no_diversity(sets: tuple[list[Path], list[Path]], coarse: FeatureNetwork) -> None:
    assert measure(always_the_same, *sets, coarse, SETTINGS).diversity == pytest.approx(0, abs=1e-3)
    assert measure(copy, sets[1], sets[1], coarse, SETTINGS).diversity == pytest.approx(1)


def test_diversity_is_the_ratio_of_distances(sets: tuple[list[Path], list[Path]], coarse: FeatureNetwork) -> None:
    found = measure(copy, *sets, coarse, SETTINGS)
    rows = [RealSet.read(paths, coarse, SETTINGS).features.numpy() for paths in sets]
    ours, theirs = (
        np.sqrt(np.mean([((x - y) ** 2).sum() for i, x in enumerate(set_) for y in set_[i + 1 :]])) for set_ in rows
    )
    assert found.diversity == pytest.approx(ours / theirs)


def test_equal_targets_leave_diversity_undefined(
    folder: Folder, sets: tuple[list[Path], list[Path]], coarse: FeatureNetwork
) -> None:
    same = folder("same", 3)
    for path in same:
        path.write_bytes(same[0].read_bytes())
    found = measure(copy, sets[0], same, coarse, SETTINGS)
    assert found.diversity is None
    assert json.loads(json.dumps(found.as_dict()))["diversity"] is None


def test_unrelated_pictures_are_neighbours_across_batches(
    sets: tuple[list[Path], list[Path]], coarse: FeatureNetwork
) -> None:
    order = RealSet.read(sets[0], coarse, SETTINGS).paths
    pixels = np.stack([read_picture(path, 32) for path in order]).astype(float)
    expected = np.abs(pixels[1:] - pixels[:-1]).mean()
    for batch_size in (1, 3, 8):
        found = measure(copy, *sets, coarse, replace(SETTINGS, batch_size=batch_size))
        assert found.unrelated == pytest.approx(expected)


def test_pairs_are_found_by_name(sets: tuple[list[Path], list[Path]], coarse: FeatureNetwork) -> None:
    sources, targets = sets
    found = measure(copy, *sets, coarse, SETTINGS)
    assert found.pairs is not None
    assert found.pairs.count == 7
    differences = [
        np.abs(read_picture(a, 32).astype(float) - read_picture(b, 32)).mean()
        for a, b in zip(sources, targets[:7], strict=True)
    ]
    assert found.pairs.l1 == pytest.approx(np.mean(differences))
    twin = sources[0].with_suffix(".bmp")  # of two that are called 000, neither is known to belong to the target
    sources[0].rename(twin)
    sources[0].write_bytes(sources[1].read_bytes())
    doubled = measure(copy, [*sources, twin], targets, coarse, SETTINGS)
    assert doubled.pairs is not None
    assert doubled.pairs.count == 6
    for path in targets:
        path.rename(path.with_stem(f"other{path.stem}"))
    renamed = [path.with_stem(f"other{path.stem}") for path in targets]
    without = measure(copy, sources, renamed, coarse, SETTINGS)
    assert without.pairs is None
    assert "psnr" not in without.as_dict()


def test_real_sets_are_used_again(sets: tuple[list[Path], list[Path]], coarse: FeatureNetwork) -> None:
    source, target = (RealSet.read(paths, coarse, SETTINGS) for paths in sets)
    assert measure(bluish, source, target, coarse, SETTINGS) == measure(bluish, *sets, coarse, SETTINGS)
    for other in (replace(SETTINGS, size=64), replace(SETTINGS, seed=1)):
        with pytest.raises(ValueError, match="these features were made by"):
            measure(bluish, source, target, coarse, other)


def test_the_papers_kid_only_where_asked_for(sets: tuple[list[Path], list[Path]], coarse: FeatureNetwork) -> None:
    assert "paper_kid" not in measure(bluish, *sets, coarse, SETTINGS).as_dict()
    asked = measure(bluish, *sets, coarse, replace(SETTINGS, paper_kid=True)).as_dict()
    assert asked["paper_kid"] > 0
    assert asked["paper_kid_error"] is None  # one block


def test_few_pictures_are_spoken_of(sets: tuple[list[Path], list[Path]], coarse: FeatureNetwork) -> None:
    kid, fid = measure(bluish, *sets, coarse, SETTINGS).notes
    assert kid == "KID is taken over 7 pictures at a time, not 1000: there are no more"
    assert fid.startswith("FID is too high with 7 pictures and 48 features")
    (fid,) = measure(bluish, *sets, coarse, replace(SETTINGS, subset_size=7)).notes
    assert fid.startswith("FID")


def test_what_was_left_out_is_spoken_of(sets: tuple[list[Path], list[Path]], coarse: FeatureNetwork) -> None:
    sets[1][4].write_text("no picture")
    found = measure(bluish, *sets, coarse, SETTINGS)
    (message,) = found.as_dict()["skipped"]
    assert str(sets[1][4]) in message
    assert found.pairs is not None
    assert found.pairs.count == 6


def test_nothing_is_translated_when_a_side_is_too_small(folder: Folder, coarse: FeatureNetwork) -> None:
    def never(pictures: Pictures) -> Pictures:
        raise AssertionError("translated all the same")

    with pytest.raises(BadInputError, match="1 readable"):
        measure(never, folder("a", 4), folder("b", 1), coarse, SETTINGS)


def test_scores_of_both_directions_are_combined(sets: tuple[list[Path], list[Path]], coarse: FeatureNetwork) -> None:
    there, back = measure(bluish, *sets, coarse, SETTINGS), measure(bluish, *sets[::-1], coarse, SETTINGS)
    score = combined_score(there, back)
    assert score.value == pytest.approx((there.kid + back.kid) / 2)
    worse = combined_score(*(measure(copy, *some, coarse, SETTINGS) for some in (sets, sets[::-1])))
    assert score.better_than(worse)
    with pytest.raises(UsageError):
        score.better_than(combined_score(there))
