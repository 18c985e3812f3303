"""CIDEr-D of captions: agreement in n-grams, rare ones above all (Vedantam et al. 2015, arXiv 1411.5726).

CIDEr-D = 10 mean over n = 1..4 and truths of  exp(-(l - l')^2 / 2 sigma^2)  min(g, g') . g' / (|g| |g'|)
g = count of an n-gram in a caption times ln(pictures / pictures with a truth that has it)

g is of what was written and g' of a truth, l and l' count their words, sigma = 6: what the COCO toolkit calls CIDEr.
The weights come from the corpus itself, so that values of different corpora do not compare, and one picture has 0.
"""

import dataclasses
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from mmjax.metrics.captions import Words, grams, split

N, SIGMA = 4, 6.0
Gram = tuple[str, ...]


class Vector(NamedTuple):
    """Of one caption for n = 1..4: the weight of each n-gram and their norm; and its length."""

    weights: list[dict[Gram, float]]
    norms: list[float]
    length: int


def cider(predictions: Sequence[str], truths: Sequence[Sequence[str]]) -> dict[str, float]:
    """{"cider": mean} in 0..10 of a caption and its true ones for each picture; of no picture nothing."""
    found = scores(split(predictions, truths))
    return {"cider": sum(found) / len(found)} if found else {}


@dataclasses.dataclass(frozen=True)
class Cider:
    """`cider` as a config names it."""

    def __call__(self, predictions: Sequence[str], truths: Sequence[Sequence[str]]) -> dict[str, float]:
        return cider(predictions, truths)


def scores(pairs: Sequence[tuple[Words, Sequence[Words]]]) -> list[float]:
    """CIDEr-D of each picture's (words written, words of each truth)."""
    pictures = Counter()
    for _, true in pairs:
        pictures.update({gram for words in true for n in range(1, N + 1) for gram in grams(words, n)})
    found = []
    for written, true in pairs:
        own = vector(written, pictures, len(pairs))
        alike = [likeness(own, vector(words, pictures, len(pairs))) for words in true]
        found.append(10 * sum(alike) / len(alike))
    return found


def vector(words: Words, pictures: Mapping[Gram, int], count: int) -> Vector:
    """A caption as weights, where `pictures` says in how many of `count` each n-gram is true; in none counts as one."""
    weights = [
        {gram: times * math.log(count / max(pictures[gram], 1)) for gram, times in grams(words, n).items()}
        for n in range(1, N + 1)
    ]
    norms = [math.sqrt(sum(weight**2 for weight in own.values())) for own in weights]
    return Vector(weights, norms, len(words))


def likeness(written: Vector, true: Vector) -> float:
    """In 0..1, the mean over n."""
    total = 0.0
    for own, other, norm, other_norm in zip(written.weights, true.weights, written.norms, true.norms, strict=True):
        if norm and other_norm:
            shared = sum(min(weight, other[gram]) * other[gram] for gram, weight in own.items() if gram in other)
            total += shared / (norm * other_norm)
    return total / N * math.exp(-((written.length - true.length) ** 2) / (2 * SIGMA**2))
