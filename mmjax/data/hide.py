"""What of a picture and of a text is to be filled in: patches by blocks, words one by one (BEiT: arXiv 2106.08254).

A hidden word becomes the mask's token, at times another word or stays as it is (BERT: arXiv 1810.04805). How many
patches are hidden is exact, so that all pictures cost the same.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping

import numpy as np

from mmjax.data.vocabulary import Vocabulary

ATTEMPTS = 10  # at a block that adds patches, before the rest is taken one by one


@dataclasses.dataclass(frozen=True)
class Hide:
    """A row with "image" and "text", or one of both, to the same with what is hidden of them.

    Args:
        grid: patches down and across a picture.
        image: the share of patches that are hidden of a picture alone, and beside a text.
        text: the share of words that are hidden of a text alone, and beside a picture.
        least: patches of a block at least; fewer where no more are left.
        aspect: height by width of a block, from this to its inverse.
        masked: of hidden words, those that become the mask's token.
        other: of hidden words, those that become another word; the rest stay.
        together: of a picture with its text both are hidden in part; else one of both, by turns of chance.
    """

    grid: tuple[int, int]
    image: tuple[float, float] = (0.4, 0.4)
    text: tuple[float, float] = (0.15, 0.5)
    least: int = 16
    aspect: float = 0.3
    masked: float = 0.8
    other: float = 0.1
    together: bool = True

    def __post_init__(self):
        if min(self.grid) < 1 or self.least < 1 or not 0 < self.aspect <= 1:
            raise ValueError(
                f"grid is {self.grid}, least {self.least} and aspect {self.aspect}; expected 1 or more, and in (0, 1]"
            )
        for name in ("image", "text"):
            if not all(0 < share <= 1 for share in getattr(self, name)):
                raise ValueError(f"{name} is {getattr(self, name)}; expected shares above 0, up to 1")
        check_shares(self.masked, self.other)

    def empty(self, row: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """What a row of which nothing is hidden has besides."""
        found: dict[str, np.ndarray] = {}
        if "image" in row:
            count = max(part(share, math.prod(self.grid)) for share in self.image)
            found |= {"image_hidden": np.zeros(self.grid, bool), "image_places": np.full(count, -1, np.int32)}
        if "text" in row:
            count = max(part(share, len(row["text"])) for share in self.text)
            found |= {"text_places": np.full(count, -1, np.int32), "text_told": np.zeros(count, np.int32)}
        return found

    def __call__(
        self, row: Mapping[str, np.ndarray], words: Vocabulary | None, rng: np.random.Generator
    ) -> dict[str, np.ndarray]:
        """image_hidden [h, w] bool, and where that is, image_places [n] int32 (-1: no more).

        text [L] as it is seen, text_places [m] int32 of what is hidden, and text_told [m] int32, what stood there.
        """
        there = {name: name in row and bool(np.any(row[f"{name}_mask"])) for name in ("image", "text")}
        both = all(there.values())
        if both and not self.together:
            there[("image", "text")[rng.integers(2)]] = False
        found = self.empty(row)
        if there["image"]:
            count = part(self.image[both], math.prod(self.grid))
            found["image_hidden"] = blocks(rng, *self.grid, count, self.least, self.aspect)
            found["image_places"][:count] = np.flatnonzero(found["image_hidden"])
        if there["text"]:
            self._hide_words(found, row["text"], row["text_mask"], self.text[both], words, rng)
        return found

    def _hide_words(
        self,
        found: dict[str, np.ndarray],
        text: np.ndarray,
        mask: np.ndarray,
        share: float,
        words: Vocabulary,
        rng: np.random.Generator,
    ) -> None:
        real = np.flatnonzero(mask & words.said[text])
        chosen = some(rng, real, share)
        found["text"] = replaced(text, chosen, self.masked, self.other, words, rng)
        found["text_places"][: len(chosen)] = chosen
        found["text_told"][: len(chosen)] = text[chosen]


def part(share: float, of: int) -> int:
    """How many a share of so many is, at least one."""
    return max(1, round(share * of))


def some(rng: np.random.Generator, places: np.ndarray, share: float) -> np.ndarray:
    """A share of the places [n], drawn, in order."""
    return np.sort(rng.permutation(places)[: part(share, len(places))])


def replaced(
    text: np.ndarray, chosen: np.ndarray, masked: float, other: float, words: Vocabulary, rng: np.random.Generator
) -> np.ndarray:
    """The text [L] of which the words at places `chosen` are masked, become another, or stay, by these shares."""
    fate, seen = rng.random(len(chosen)), text.copy()
    seen[chosen[fate < masked]] = words.mask
    changed = chosen[(fate >= masked) & (fate < masked + other)]
    seen[changed] = rng.choice(words.ordinary, len(changed))
    return seen


def check_shares(masked: float, other: float) -> None:
    """ValueError where these are no shares of hidden words."""
    if min(masked, other) < 0 or masked + other > 1:
        raise ValueError(f"masked is {masked} and other {other}; expected shares of at least 0, and at most 1 together")


def blocks(
    rng: np.random.Generator, height: int, width: int, count: int, least: int = 16, aspect: float = 0.3
) -> np.ndarray:
    """[height, width] bool with `count` True, in blocks as far as these fit.

    Raises:
        ValueError: more than there are.
    """
    if not 0 <= count <= height * width:
        raise ValueError(f"{count} patches of {height} x {width} cannot be hidden")
    mask = np.zeros((height, width), bool)
    failed = 0
    while mask.sum() < count and failed < ATTEMPTS:
        left = count - mask.sum()
        area = rng.uniform(min(least, left), left)
        ratio = math.exp(rng.uniform(math.log(aspect), -math.log(aspect)))
        h, w = max(1, round(math.sqrt(area * ratio))), max(1, round(math.sqrt(area / ratio)))
        if h > height or w > width:
            failed += 1
            continue
        top, at = rng.integers(height - h + 1), rng.integers(width - w + 1)
        block = mask[top : top + h, at : at + w]
        added = block.size - block.sum()
        if 0 < added <= left:
            block[:] = True
            failed = 0
        else:
            failed += 1
    rest = rng.permutation(np.flatnonzero(~mask))[: count - mask.sum()]
    mask.reshape(-1)[rest] = True
    return mask
