"""What portraits have and ToonHead drawings lack: a mouth one can see, glasses, a bald head, a dark suit with a tie."""

from __future__ import annotations

import cv2
import numpy as np
from PIL import Image, ImageDraw
from traits import (
    CHEEK,
    NEAR,
    SIDE,
    SLEEVE,
    Box,
    Pixels,
    colour,
    has_beard,
    has_bun,
    has_collar,
    has_long_hair,
    is_shorn,
    laughs,
    opacity,
    tone,
)

# shares of the drawings that can have them
GLASSES, BALD, SUIT, TIE = 0.27, 0.50, 0.80, 0.75

FINE = 4  # times larger: what is drawn gets smooth edges

# left, top, right, bottom
MOUTH = (104, 160, 154, 182)
LENSES = ((82, 119, 122, 153), (134, 119, 174, 153))
HEAD = (70, 40, 186, 172)  # an ellipse through both sides of the head
BROWS = 104  # the row above them
NECK = 197  # the row below the chin
TEMPLES = ((75, BROWS, 88, 130), (168, BROWS, 181, 130))  # hair beside the face of a shorn head

FRAMES = ((34, 30, 32), (34, 30, 32), (92, 58, 40), (120, 122, 128))
SUITS = ((30, 30, 34), (26, 36, 62), (48, 48, 54), (84, 86, 92))
TIES = ((170, 36, 44), (40, 76, 150), (120, 160, 210), (34, 38, 62), (196, 160, 60))
KNOT_AND_BLADE = ((122, 213), (134, 213), (131, 222), (136, 256), (120, 256), (125, 222))

Others = dict[int, list[Pixels]]


def dressed_for_others(drawings: list[Pixels]) -> Others:
    """Those whose collars and clothes others can have, by the tone of the skin."""
    found: Others = {}
    for drawing in drawings:
        if has_collar(drawing) and not has_long_hair(drawing) and not has_beard(drawing):
            found.setdefault(tone(drawing), []).append(drawing)
    return found


def completed(drawing: Pixels, others: Others, random: np.random.Generator) -> Pixels:
    """With what portraits have and drawings lack, as often as they have it."""
    made = clear_mouth(drawing) if laughs(drawing) and not has_beard(drawing) else drawing
    if not has_long_hair(drawing) and not has_bun(drawing):
        if is_shorn(drawing) and random.random() < BALD:
            made = bald(made)
        if random.random() < SUIT:
            same = others.get(tone(drawing), [])
            if same and not has_beard(drawing):
                made = in_clothes_of(made, same[random.integers(len(same))])
            if has_collar(made):
                made = in_a_suit(made, random, tie=random.random() < TIE)
    made = without_green(made, random)
    return with_glasses(made, random) if random.random() < GLASSES else made


def clear_mouth(drawing: Pixels) -> Pixels:
    """Teeth, throat and tongue are a breath of colour over the skin: six times as much is all of it. Of a laughing face without a beard."""
    left, top, right, bottom = MOUTH
    around = drawing[top:bottom, left:right].astype(np.float64)
    more = around - colour(drawing, CHEEK)
    more[np.abs(more).max(axis=2) > 40] = 0  # a moustache
    made = drawing.copy()
    made[top:bottom, left:right] = np.clip(np.rint(around + 5 * more), 0, 255)
    return made


def with_glasses(drawing: Pixels, random: np.random.Generator) -> Pixels:
    frame = FRAMES[random.integers(len(FRAMES))]
    width, roundness = random.uniform(2, 4), random.uniform(4, 17)
    layer, pen = _sheet()
    for left, top, right, bottom in LENSES:
        pen.rounded_rectangle(
            _fine((left, top, right, bottom)), roundness * FINE, outline=(*frame, 255), width=round(width * FINE)
        )
    for start, end in (((122, 130), (134, 130)), ((72, 127), (82, 130)), ((174, 130), (184, 127))):
        pen.line(_fine((*start, *end)), (*frame, 255), round(width * FINE))
    return _over(drawing, layer)


def bald(drawing: Pixels) -> Pixels:
    """Of a shorn head without long hair."""
    skin = tuple(int(level) for level in colour(drawing, CHEEK))
    made = drawing.copy()
    made[:BROWS] = drawing[2, 2]
    layer, pen = _sheet()
    pen.ellipse(_fine(HEAD), fill=(*skin, 255), outline=(*(level // 2 for level in skin), 255), width=FINE)
    layer.paste((0, 0, 0, 0), (0, BROWS * FINE, SIDE * FINE, SIDE * FINE))
    made = _over(made, layer)
    for left, top, right, bottom in TEMPLES:
        made[top:bottom, left:right] = skin
    return made


def in_clothes_of(drawing: Pixels, other: Pixels) -> Pixels:
    """With what the other has below the chin, before the drawing's own background."""
    share = opacity(other)[NECK:, :, None]
    made = drawing.copy()
    made[NECK:] = np.rint(other[NECK:] * share + drawing[2, 2] * (1 - share))
    return made


def in_a_suit(drawing: Pixels, random: np.random.Generator, tie: bool) -> Pixels:
    """Of a drawing that wears a collar. Its edges are drawn anew, too: they have the colour of the clothes before."""
    cloth = (np.abs(drawing - colour(drawing, SLEEVE)).max(axis=2) <= 20) & (opacity(drawing) > 0.5)
    inside = cv2.morphologyEx(cloth.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3)))
    inside[:NECK] = 0
    around = cv2.dilate(inside, np.ones((5, 5))) & (opacity(drawing) > 0)
    around[:NECK] = 0
    suit = np.array(SUITS[random.integers(len(SUITS))])
    made = drawing.copy()
    made[around == 1] = suit * 2 // 3
    made[inside == 1] = suit
    if not tie:
        return made
    layer, pen = _sheet()
    corners = [(x * FINE, y * FINE) for x, y in KNOT_AND_BLADE]
    pen.polygon(corners, (*TIES[random.integers(len(TIES))], 255))
    return _over(made, layer)


def without_green(drawing: Pixels, random: np.random.Generator) -> Pixels:
    """Green clothes in the colour of a suit, with their shades: hardly anybody wears green."""
    levels = drawing.astype(np.int64)
    green = levels[..., 1] - np.maximum(levels[..., 0], levels[..., 2]) > NEAR
    green[:NECK] = False
    shade = levels[..., 1, None] / max(colour(drawing, SLEEVE)[1], 1)
    made = drawing.copy()
    made[green] = np.clip(np.rint(shade * SUITS[random.integers(len(SUITS))]), 0, 255)[green]
    return made


def _sheet() -> tuple[Image.Image, ImageDraw.ImageDraw]:
    layer = Image.new("RGBA", (SIDE * FINE, SIDE * FINE))
    return layer, ImageDraw.Draw(layer)


def _fine(box: Box) -> Box:
    left, top, right, bottom = (FINE * edge for edge in box)
    return left, top, right, bottom


def _over(drawing: Pixels, layer: Image.Image) -> Pixels:
    picture = Image.fromarray(drawing).convert("RGBA")
    picture.alpha_composite(layer.resize((SIDE, SIDE), Image.Resampling.BOX))
    return np.array(picture.convert("RGB"))
