"""Numbers, kinds of items, and what it is to touch."""

from __future__ import annotations

import dataclasses

from mmjax.data.statements.boxes import SIDE, Box, Item

MANY = 99
CLOSE = 2  # pixels from both walls that people still call touching a corner
BESIDE = 2  # pixels at most between items that touch each other: one is left by every drawing


@dataclasses.dataclass(frozen=True)
class Number:
    """From `least` to `most`, both among them."""

    least: int = 1
    most: int = MANY

    def holds(self, count: int) -> bool:
        return self.least <= count <= self.most


SOME, NONE = Number(), Number(0, 0)


def exactly(count: int) -> Number:
    return Number(count, count)


def walls(item: Item) -> frozenset[str]:
    """Those of its box that an item touches."""
    reached = {
        "left": item.x == 0,
        "right": item.x + item.size == SIDE,
        "top": item.y == 0,
        "bottom": item.y + item.size == SIDE,
    }
    return frozenset(wall for wall, there in reached.items() if there)


@dataclasses.dataclass(frozen=True)
class What:
    """A kind of item; None is any. `at` are the walls it touches, all of them, or "any" of them; `off` says not so."""

    colour: str | None = None
    shape: str | None = None
    size: int | None = None
    at: tuple[str, ...] = ()
    off: bool = False
    other: bool = False  # of any colour but `colour`

    def holds(self, item: Item) -> bool:
        if (
            (self.shape is not None and item.shape != self.shape)
            or (self.size is not None and item.size != self.size)
            or (self.colour is not None and (item.colour == self.colour) == self.other)
        ):
            return False
        return not self.at or touches(item, self.at) != self.off

    def count(self, box: Box) -> int:
        return sum(map(self.holds, box))


ANYTHING = What()


def touches(item: Item, at: tuple[str, ...]) -> bool:
    """Whether an item touches all those walls; "any" is any wall, "corner" any two that meet."""
    if at == ("corner",):
        end = SIDE - item.size
        return all(min(place, end - place) <= CLOSE for place in (item.x, item.y))
    found = walls(item)
    return bool(found) if at == ("any",) else found.issuperset(at)


def beside(one: Item, other: Item) -> bool:
    """Whether hardly a pixel is between the squares around two items."""
    across = max(one.x - other.x - other.size, other.x - one.x - one.size)
    down = max(one.y - other.y - other.size, other.y - one.y - one.size)
    return max(across, down) <= BESIDE
