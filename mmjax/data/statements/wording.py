"""How people write: numbers, kinds of items and where they touch, each with what it means."""

from __future__ import annotations

import numpy as np

from mmjax.data.statements.boxes import COLOURS, SHAPES, SIZES, Box, pick
from mmjax.data.statements.what import NONE, Number, What, exactly

WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven")
SIZE_WORDS = {"small": SIZES[0], "medium": SIZES[1], "big": SIZES[2]}
TOUCHING = (  # often used words more than once
    *(("touching the edge", "touching any edge", "touching the wall"), ("any",)) * 2,
    *(("touching the side", "touching an edge", "closely touching a wall of a box"), ("any",)),
    *(("touching the base", "closely touching the bottom of a box", "touching the bottom base"), ("bottom",)),
    *(("closely touching the bottom of a box",), ("bottom",)),
    *(("closely touching right wall of a box",), ("right",)) * 2,
    *(("closely touching the roof of a box", "touching the top"), ("top",)),
    *(("closely touching a corner", "closely touching a corner of a box", "touching the corner"), ("corner",)),
    *(("closely touching the bottom right corner",), ("bottom", "right")),
)
TOUCHING = tuple((words, at) for many, at in zip(TOUCHING[::2], TOUCHING[1::2], strict=True) for words in many)
BELOW = ("below", "below", "bellow", "beneath")
ANY = tuple(words for words, at in TOUCHING if at == ("any",))


class Writer:
    """Draws words as one person would write: digits or words, items or objects, all through a sentence.

    `box` is one that the writer looks at: kinds of items are mostly those that are in it.
    """

    def __init__(self, rng: np.random.Generator, box: Box, towers: bool):
        self.rng, self.box = rng, box
        self.digits = rng.random() < 0.3
        self.thing = "block" if towers else self.pick("item", "item", "item", "object", "object")
        self.color = self.pick("color", "color", "color", "colour")

    def pick(self, *options):
        """One of these."""
        return pick(self.rng, options)

    def chance(self, share: float) -> bool:
        return self.rng.random() < share

    def digit(self, count: int) -> str:
        return str(count) if self.digits else WORDS[count]

    def one(self) -> str:
        return "1" if self.digits else self.pick("a", "a", "a", "one")

    def colour(self) -> str:
        return pick(self.rng, self.box).colour if self.chance(0.7) else pick(self.rng, COLOURS)

    def colours(self, count: int) -> list[str]:
        """Different ones."""
        first = int(self.rng.random() * 3)
        step = self.pick(1, 2)
        return [COLOURS[(first + step * place) % 3] for place in range(count)]

    def what(self, any_colour: float = 0.25, any_shape: float = 0.4) -> What:
        """A kind of item with a colour, a shape or both, seldom neither."""
        item = pick(self.rng, self.box)
        colour = None if self.chance(any_colour) else item.colour if self.chance(0.8) else pick(self.rng, COLOURS)
        shape = None if self.chance(any_shape) else item.shape if self.chance(0.8) else pick(self.rng, SHAPES)
        return What(colour, shape)

    def name(self, what: What, many: bool = False, thing: str | None = None) -> str:
        """Such as "small black square", "blue items"."""
        size = next((word for word, size in SIZE_WORDS.items() if size == what.size), None)
        words = [size, what.colour, what.shape or thing or self.thing]
        return " ".join(word for word in words if word) + "s" * many

    def amount(self, most: int = 4) -> tuple[str, Number, bool]:
        """("at least two", what it means, whether plural): how many there are."""
        if self.chance(0.3):
            return self.one(), Number(), False
        count = 1 + int(self.rng.random() * most)
        digit = self.digit(count)
        form = self.pick("", "exactly", "exactly", "only", "at least", "at least", "rare")
        if form == "rare":
            form = self.pick("just", "more than", "less than", "at most", "atleast")
        if form == "less than" and count == 1:
            form = "at most"
        meaning = {
            "": Number(count),
            "at least": Number(count),
            "atleast": Number(count),
            "more than": Number(count + 1),
            "less than": Number(0, count - 1),
            "at most": Number(0, count),
        }.get(form, exactly(count))
        return f"{form} {digit}".strip(), meaning, count > 1

    def there(self, most: int = 4) -> tuple[str, Number, bool]:
        """("There are at least two", its number, whether plural); seldom "There is no"."""
        if self.chance(0.1):
            return "There is no", NONE, False
        words, number, many = self.amount(most)
        return f"There {'are' if many else 'is'} {words}", number, many

    def touching(self, what: What, only_any: bool = False) -> tuple[str, What]:
        """(" not touching the edge", the kind of item that does not)."""
        words, at = pick(self.rng, TOUCHING)
        off = at == ("any",) and self.chance(0.35)
        if only_any and at != ("any",):
            words, at = self.pick(*ANY), ("any",)
        return f"{'not ' * off}{words}", What(what.colour, what.shape, what.size, at, off, what.other)


def exact(words: str, number: Number) -> Number:
    """A number of all items, or of those "of which": where people write "three" they mean no more than three.

    Of a kind, as in "three blue items", they mean at least three.
    """
    return number if " " in words or words == "a" else exactly(number.least)


def an(words: str) -> str:
    """With the article before a vowel: "an item"."""
    return words.replace("a item", "an item").replace("a object", "an object")
