"""What the bundled model learns from: sets that are alike, and drawings with what portraits have (match.py, redraw.py)."""

from __future__ import annotations

import importlib
import itertools
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

TRAINING = Path(__file__).resolve().parents[1] / "models" / "portrait2toon" / "training"

Pixels = NDArray[np.uint8]


@pytest.fixture(scope="module")
def modules() -> Iterator[dict[str, Any]]:
    """Of the recipe: scripts that import one another from their own folder."""
    names = ("traits", "backgrounds", "redraw", "match")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(TRAINING)
        for name in names:
            patch.delitem(sys.modules, name, raising=False)
        yield {name: importlib.import_module(name) for name in names}
        for name in names:
            del sys.modules[name]


@pytest.fixture
def match(modules: dict[str, Any]) -> Any:
    return modules["match"]


@pytest.fixture
def backgrounds(modules: dict[str, Any]) -> Any:
    return modules["backgrounds"]


@pytest.fixture
def redraw(modules: dict[str, Any]) -> Any:
    return modules["redraw"]


RED, BLUE, SKIN, EYES = (168, 56, 56), (96, 128, 224), (246, 198, 162), (20, 20, 20)
HAIR, FAIR, GREY, COLLAR = (60, 44, 36), (216, 180, 116), (188, 188, 188), (200, 232, 245)


@pytest.fixture
def drawing() -> Pixels:
    """As ToonHead draws them: a head before one colour, and clothes."""
    pixels = np.full((256, 256, 3), RED, np.uint8)
    pixels[40:, 60:196] = SKIN
    pixels[130:140, 90:166] = EYES
    pixels[200:220, 120:140] = RED  # clothes of the background's colour
    return pixels


def test_a_drawing_is_put_before_another_background_and_its_eyes_move_up(
    match: Any, backgrounds: Any, drawing: Pixels
) -> None:
    blue = np.full((256, 256, 3), BLUE, np.uint8)
    for busy in (False, True):
        low, high = backgrounds.EYES_WANTED[busy]
        behind = backgrounds.Background(blue, busy)
        for seed in range(5):
            placed = match.place(drawing, behind, np.random.default_rng(seed))
            rows = np.flatnonzero((placed[:, 128] < 60).all(axis=1))
            assert low - 0.02 <= rows.mean() / 256 <= high + 0.02
            assert (placed[-1, 128] == SKIN).all() and (placed[:, 2] == BLUE).all()
            assert (placed == RED).all(axis=2).any(), "the clothes keep their colour"


def test_shoulders_become_wider_and_a_collar_does_not(match: Any, backgrounds: Any, head: Pixels) -> None:
    behind = backgrounds.Background(np.full((256, 256, 3), BLUE, np.uint8), False)
    placed = match.place(head, behind, np.random.default_rng(0))
    scale = (placed[:180] == SKIN).all(axis=2).any(axis=0).sum() / 136

    def width(levels: tuple[int, int, int]) -> int:
        return int((np.abs(placed.astype(int) - levels).max(axis=2) < 4).any(axis=0).sum())

    assert 0.9 <= scale <= 1.1
    assert width(COLLAR) == pytest.approx(32 * scale, abs=3)
    beside = (136 / 2 - match.COLLAR_WIDTH) * scale
    narrowest, widest = (2 * (match.COLLAR_WIDTH * scale + beside * wider / scale) for wider in match.WIDER)
    assert narrowest - 5 <= width(GREEN) <= min(widest + 5, 256)


def test_a_zoomed_portrait_and_its_drawing_are_as_large_and_their_eyes_as_high(
    match: Any, backgrounds: Any, drawing: Pixels
) -> None:
    portrait = np.full((256, 256, 3), BLUE, np.uint8)
    portrait[98:102, 118:138] = EYES  # at 0.39 of the height
    zoomed = backgrounds.zoomed(portrait, 1.4)
    rows, columns = np.nonzero((zoomed < 60).all(axis=2))
    assert rows.mean() / 256 == pytest.approx(0.42, abs=0.01) and columns.mean() == pytest.approx(127.5, abs=1)
    assert np.ptp(columns) == pytest.approx(20 * 1.4, abs=2)
    widths, eyes = [], []
    for zoom in (1.0, 1.4):
        behind = backgrounds.Background(np.full((256, 256, 3), BLUE, np.uint8), True, zoom)
        placed = match.place(drawing, behind, np.random.default_rng(0))
        rows, columns = np.nonzero((placed < 60).all(axis=2))
        widths.append(np.ptp(columns))
        eyes.append(rows.mean() / 256)
    assert widths[1] == pytest.approx(1.4 * widths[0], abs=3)
    assert eyes[1] == pytest.approx(0.42 + 1.4 * (eyes[0] - 0.39), abs=0.01), "as far from the middle, enlarged"


def test_traits_are_as_frequent_as_wanted(match: Any, drawing: Pixels) -> None:
    drawing[176:200, 60:92] = RED  # narrower than the head: a neck
    drawing[:90, 60:70] = RED  # and narrower above
    names = ("dark skin", "has_long_hair", "has_bun", "has_spikes", "has_beard", "laughs")
    traits = np.array([*itertools.product([False, True], repeat=len(names) + 2)])
    drawings = []
    for *having, fair, grey in traits:
        dark, long_hair, bun, spikes, beard, laugh = having
        pixels = drawing.copy()
        pixels[40:90, 70:196] = FAIR if fair else GREY if grey else HAIR
        if dark:
            pixels[90:190, 92:196] = (90, 54, 42)
        if long_hair:
            pixels[180:200, 70:90] = HAIR
        if bun:
            pixels[:20, 110:140] = HAIR
        if spikes:
            pixels[70:84, 50:70] = HAIR
        if laugh:
            pixels[172:177, 116:140] = pixels[150, 150] - 8
        if beard:
            pixels[180:190, 110:150] = BLUE
        drawings.append(pixels)
    found = match.frequencies(drawings)
    shares = dict(zip(names, found @ traits[:, : len(names)], strict=True))
    light, *_, dark = match.TONES
    bun = match.TRAITS[match.has_bun]
    assert shares.pop("dark skin") == pytest.approx(dark / (light + dark), abs=1e-3)
    # a head with a bun counts as one without spikes
    assert found[traits[:, 3] & ~traits[:, 2]].sum() == pytest.approx(match.TRAITS[match.has_spikes], abs=1e-3)
    assert shares["has_bun"] == pytest.approx(bun, abs=1e-3)
    for name in ("has_long_hair", "has_beard", "laughs"):
        assert shares[name] == pytest.approx(match.TRAITS[getattr(match, name)], abs=1e-3), name
    assert found[traits[:, 6]].sum() == pytest.approx(match.HAIRS["fair"], abs=1e-3)
    assert found[traits[:, 1] & traits[:, 4]].sum() < 1e-4, "long hair and a beard"
    assert found[traits[:, 0] & traits[:, 6]].sum() < 1e-4, "dark skin and fair hair"


def test_a_background_is_what_stands_beside_the_head_without_the_person(backgrounds: Any) -> None:
    portrait = np.full((256, 256, 3), BLUE, np.uint8)
    portrait[50:, 80:176] = SKIN
    portrait[180:, 30:226] = EYES
    assert not backgrounds.is_busy(portrait) and (backgrounds.plain_background(portrait) == BLUE).all()
    portrait[:, :15] = RED
    portrait[:, 15:30] = EYES
    assert backgrounds.is_busy(portrait)
    drawn = backgrounds.drawn_background(portrait)
    assert np.abs(drawn[60, 5].astype(int) - RED).max() < 20 and np.abs(drawn[60, 250].astype(int) - BLUE).max() < 20
    assert not (np.abs(drawn.astype(int) - SKIN).max(axis=2) < 40).any()


@pytest.fixture
def head(drawing: Pixels) -> Pixels:
    """That drawing with short hair, a neck, a laughing mouth, and a green jacket with a collar before blue."""
    drawing[(drawing == RED).all(axis=2)] = BLUE
    drawing[176:200, 60:92] = drawing[176:200, 164:196] = BLUE
    drawing[197:, 60:196] = GREEN
    drawing[210:250, 112:144] = COLLAR
    drawing[20:90, 60:196] = HAIR
    drawing[164:178, 110:146] = MOUTH
    return drawing


GREEN, MOUTH = (20, 128, 60), (240, 188, 154)


def test_a_mouth_becomes_clear_and_the_skin_around_it_stays(redraw: Any, head: Pixels) -> None:
    head[156:160, 110:146] = GREY  # a moustache
    made = redraw.clear_mouth(head)
    skin, mouth = np.array(SKIN), np.array(MOUTH)
    assert (made[168, 128] == skin + 6 * (mouth - skin)).all()
    changed = (made != head).any(axis=2)
    assert changed.sum() == 14 * 36 and changed[164:178, 110:146].all()


def test_a_mouth_that_is_a_line_stays_as_it_is(redraw: Any, head: Pixels) -> None:
    head[164:178, 110:146] = SKIN
    head[166:168, 110:146] = np.array(SKIN) * 3 // 4
    others = redraw.dressed_for_others([head])
    for seed in range(20):
        made = redraw.completed(head, others, np.random.default_rng(seed))
        assert (made[160:182, 104:154] == head[160:182, 104:154]).all()


def test_glasses_stand_around_the_eyes_and_hide_nothing_else(redraw: Any, head: Pixels) -> None:
    for seed in range(8):
        made = redraw.with_glasses(head, np.random.default_rng(seed))
        changed = (made != head).any(axis=2)
        rows, columns = np.nonzero(changed)
        assert rows.min() > 112 and rows.max() < 160 and columns.min() > 68 and columns.max() < 188
        for left, top, right, bottom in redraw.LENSES:
            middle = (top + bottom) // 2
            assert not changed[top + 8 : bottom - 8, left + 8 : right - 8].any(), "the eye"
            assert changed[middle, left] and changed[middle, right] and changed[top, (left + right) // 2]


def test_a_bald_head_has_skin_instead_of_hair(redraw: Any, head: Pixels) -> None:
    made = redraw.bald(head)
    assert not (made == HAIR).all(axis=2).any()
    assert (made[60:100, 100:156] == SKIN).all() and (made[:36] == BLUE).all()
    assert (made[130:, :] == head[130:, :]).all()


def test_a_suit_is_dark_and_leaves_collar_and_background(redraw: Any, head: Pixels) -> None:
    head[200:230, 10:40] = GREEN  # a bush
    for tie in (False, True):
        made = redraw.in_a_suit(head, np.random.default_rng(0), tie=tie)
        assert tuple(made[240, 80]) in redraw.SUITS and not (made[200:, 62:194] == GREEN).all(axis=2).any()
        assert (
            (made[230, 114] == COLLAR).all() and (made[:197] == head[:197]).all() and (made[:, :60] == BLUE).sum() > 0
        )
        assert (tuple(made[240, 128]) in redraw.TIES) == tie


def test_a_suit_s_edges_keep_nothing_of_the_clothes_before(redraw: Any, head: Pixels) -> None:
    soft = head.copy()
    soft[197:, 59] = soft[197:, 196] = (np.array(GREEN) + BLUE) // 2
    soft[209, 112:144] = (np.array(GREEN) + COLLAR) // 2
    soft[205, 128] = np.array(GREEN) + 40  # a speck
    made = redraw.in_a_suit(soft, np.random.default_rng(0), tie=False).astype(int)
    below = made[198:]
    assert not (below[..., 1] - np.maximum(below[..., 0], below[..., 2]) > 10).any()


def test_green_clothes_become_those_of_a_suit_with_their_shades(redraw: Any, head: Pixels) -> None:
    head[220:, 120:136] = np.array(GREEN) // 2
    head[60:64, 100:104] = GREEN  # something in the hair
    made = redraw.without_green(head, np.random.default_rng(0))
    suit = made[240, 80]
    assert tuple(suit) in redraw.SUITS
    assert np.abs(made[240, 128].astype(int) - suit // 2).max() <= 1
    unchanged = ~(head == GREEN).all(axis=2) & ~(head == np.array(GREEN) // 2).all(axis=2)
    unchanged[:197] = True
    assert (made[unchanged] == head[unchanged]).all()
    plain = head.copy()
    plain[197:, 60:196] = HAIR
    assert (redraw.without_green(plain, np.random.default_rng(0)) == plain).all()


def test_clothes_of_a_background_s_colour_do_not_become_the_background(redraw: Any, head: Pixels) -> None:
    head[(head == BLUE).all(axis=2)] = GREEN
    head[190:197, 60:196] = EYES  # outlines
    head[197:, 58:60] = head[197:, 196:198] = EYES
    made = redraw.in_a_suit(head, np.random.default_rng(0), tie=False)
    assert (made[:, :50] == GREEN).all() and tuple(made[240, 80]) in redraw.SUITS


def test_another_drawing_s_clothes_come_without_its_background(redraw: Any, head: Pixels) -> None:
    own = head.copy()
    own[(own == BLUE).all(axis=2)] = RED
    own[197:, 60:196] = HAIR
    made = redraw.in_clothes_of(own, head)
    assert (made[:197] == own[:197]).all() and (made[197:, :50] == RED).all() and (made[240, 80] == GREEN).all()


def test_who_gets_what(redraw: Any, head: Pixels) -> None:
    """Long hair: no suit and no bald head. A beard: no clearer mouth, and its own clothes."""
    plain = head.copy()
    plain[197:, 60:196] = RED
    others = redraw.dressed_for_others([head, plain])
    assert [len(drawings) for drawings in others.values()] == [1]

    def made(drawing: Pixels, count: int = 40) -> list[Pixels]:
        return [redraw.completed(drawing, others, np.random.default_rng(seed)) for seed in range(count)]

    dressed = np.mean([(picture[230, 114] == COLLAR).all() for picture in made(plain)])
    assert dressed == pytest.approx(redraw.SUIT, abs=0.2), "others' collars"
    glasses = np.mean([(picture[136, 82] != plain[136, 82]).any() for picture in made(plain)])
    assert glasses == pytest.approx(redraw.GLASSES, abs=0.2)

    long_hair = plain.copy()
    long_hair[180:200, 70:90] = HAIR
    assert all((picture[240, 80] == RED).all() and (picture[60, 128] == HAIR).all() for picture in made(long_hair))

    bearded = plain.copy()
    bearded[180:190, 110:150] = HAIR
    assert all((picture[168, 128] == MOUTH).all() and (picture[240, 80] == RED).all() for picture in made(bearded))

    shorn = plain.copy()
    shorn[90:130, 74:88] = shorn[90:130, 168:182] = np.array(HAIR) - 20
    assert np.mean([(picture[60, 128] == SKIN).all() for picture in made(shorn)]) == pytest.approx(redraw.BALD, abs=0.2)
