"""What is wrong with the sets, in plain sentences, each with what to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations
from statistics import median
from typing import Final

from .duplicates import group
from .facts import Facts, PictureSet

FEW: Final = 50  # pictures of a domain; below, discriminators learn them by heart
ELONGATED: Final = 2.0  # long side over short side; 16 : 9 is 1.78
UNLIKE_SHAPES: Final = 1.3  # ratio of the sets' usual width to height; from 1:1 to 4:3
NAMED: Final = 3  # pictures a sentence names
TRAINED_ON: Final = ("a", "b")


def find(sets: Mapping[str, PictureSet], size: int) -> Iterator[str]:
    """A sentence for each fault; `size` is the side of the training pictures in pixels."""
    for name, pictures in sets.items():
        yield from _unreadable(pictures)
        if name in TRAINED_ON:
            yield from _few(pictures)
        yield from _small(pictures, size)
        yield from _elongated(pictures)
    yield from _unlike_shapes(sets["a"], sets["b"])
    yield from _repeated(sets)


def _unreadable(pictures: PictureSet) -> Iterator[str]:
    for too_large, what in ((False, "damaged or unreadable"), (True, "too large to decode")):
        bad = [facts for facts in pictures.facts if facts.problem and facts.too_large == too_large]
        if bad:
            names = _list([f"{pictures.name(facts)} ({facts.problem})" for facts in bad])
            yield f"skipped {_of(bad, pictures.facts, pictures)}, {what}: {names}"


def _few(pictures: PictureSet) -> Iterator[str]:
    count = len(pictures.good)
    if count == 1:
        yield f"{pictures.folder} holds only 1 picture to learn from: a few dozen are the least; then use --preset few"
    elif count < FEW:
        yield f"{pictures.folder} holds very few pictures ({count}): add more, or use --preset few"


def _small(pictures: PictureSet, size: int) -> Iterator[str]:
    small = [facts for facts in pictures.good if min(facts.width, facts.height) < size]
    if not small:
        return
    names = _list([f"{pictures.name(facts)} ({facts.width} x {facts.height})" for facts in small])
    usual = int(median(min(facts.width, facts.height) for facts in pictures.good)) // 4 * 4
    advice = f"train with --size {usual}" if 32 <= usual < size else "leave them out or use larger ones"
    found = _of(small, pictures.good, pictures)
    yield f"{found}: smaller than {size} pixels, so they are upscaled and blurred: {names}; {advice}"


def _elongated(pictures: PictureSet) -> Iterator[str]:
    odd = [facts for facts in pictures.good if max(_shape(facts), 1 / _shape(facts)) > ELONGATED]
    if odd:
        names = _list([f"{pictures.name(facts)} ({facts.width} x {facts.height})" for facts in odd])
        found = _of(odd, pictures.good, pictures)
        yield f"{found}: more than twice as long as wide, and squeezed into squares: {names}; crop them first"


def _unlike_shapes(a: PictureSet, b: PictureSet) -> Iterator[str]:
    usual_a, usual_b = (median(map(_shape, pictures.good)) for pictures in (a, b))
    if max(usual_a / usual_b, usual_b / usual_a) >= UNLIKE_SHAPES:
        shapes = f"{a.folder} are {usual_a:.2f} times as wide as high, those in {b.folder} {usual_b:.2f} times"
        yield f"the pictures in {shapes}; both are squeezed into squares, so shapes will change: crop them alike"


def _shape(facts: Facts) -> float:
    return facts.width / facts.height


# ---------------------------------------------------------------------------------------------------- the same again


def _repeated(sets: Mapping[str, PictureSet]) -> Iterator[str]:
    owned = [(name, facts) for name, pictures in sets.items() for facts in pictures.good]
    groups = [[owned[position] for position in members] for members in group([facts for _, facts in owned])]
    for name, pictures in sets.items():
        yield from _inside(pictures, [[facts for owner, facts in members if owner == name] for members in groups])
    for first, second in combinations(sets, 2):
        yield from _alike(sets, first, second) or _across(sets, (first, second), groups)


def _inside(pictures: PictureSet, groups: list[list[Facts]]) -> Iterator[str]:
    pairs = [(again, members[0]) for members in groups for again in members[1:]]
    if pairs:
        names = _list([f"{pictures.name(again)} = {pictures.name(first)}" for again, first in pairs])
        found = _of(pairs, pictures.good, pictures)
        yield f"{found} repeat others there (duplicates, equal or saved anew): {names}; they weigh more in training, remove them"


def _alike(sets: Mapping[str, PictureSet], first: str, second: str) -> list[str]:
    """A sentence if two sets are one."""
    one, other = sets[first], sets[second]
    if one.folder.resolve() == other.folder.resolve():
        what = f"{one.folder} and {other.folder} are the same folder"
    elif {facts.fingerprint for facts in one.good} == {facts.fingerprint for facts in other.good}:
        what = f"{one.folder} and {other.folder} hold identical pictures"
    else:
        return []
    return [f"{what}: {_consequence(first, second, whole=True)}"]


def _across(
    sets: Mapping[str, PictureSet], names: tuple[str, str], groups: list[list[tuple[str, Facts]]]
) -> Iterator[str]:
    first, second = names
    pairs = [
        (mine[0], theirs)
        for members in groups
        if (mine := [facts for owner, facts in members if owner == first])
        for owner, theirs in members
        if owner == second
    ]
    if pairs:
        one, other = sets[first], sets[second]
        shown = _list([f"{other.name(theirs)} = {one.name(mine)}" for mine, theirs in pairs])
        found = _of(pairs, other.good, other)
        consequence = _consequence(first, second, whole=False)
        yield f"{found} also in {one.folder} (duplicates, equal or saved anew): {shown}; {consequence}"


def _consequence(first: str, second: str, *, whole: bool) -> str:
    if first in TRAINED_ON and second in TRAINED_ON:
        return "there is nothing to learn" if whole else "they teach to change nothing, remove them from one"
    if first not in TRAINED_ON and second not in TRAINED_ON:
        return "their numbers say little about the translation"
    return "the numbers measured on them will be too good, keep what is measured out of training"


def _of(
    some: list[Facts] | list[tuple[Facts, Facts]], every: tuple[Facts, ...] | list[Facts], pictures: PictureSet
) -> str:
    return f"{len(some)} of {len(every)} picture{'s' if len(every) > 1 else ''} in {pictures.folder}"


def _list(names: list[str]) -> str:
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")
