"""ROUGE-L of captions: how long a sequence of words they share in order (Lin 2004, ACL W04-1013).

F = (1 + beta^2) P R / (R + beta^2 P),   P = max over truths of LCS / words written,   R = max of LCS / words of it

beta = 1.2, and the greatest P and R are taken apart from each other, as in the COCO caption toolkit (arXiv 1504.00325).
"""

import dataclasses
from collections.abc import Sequence

from mmjax.metrics.captions import Words, split

BETA = 1.2


def rouge_l(predictions: Sequence[str], truths: Sequence[Sequence[str]]) -> dict[str, float]:
    """{"rouge_l": mean} in 0..1 of a caption and its true ones for each picture; of no picture nothing."""
    found = [score(written, true) for written, true in split(predictions, truths)]
    return {"rouge_l": sum(found) / len(found)} if found else {}


@dataclasses.dataclass(frozen=True)
class RougeL:
    """`rouge_l` as a config names it."""

    def __call__(self, predictions: Sequence[str], truths: Sequence[Sequence[str]]) -> dict[str, float]:
        return rouge_l(predictions, truths)


def score(written: Words, true: Sequence[Words]) -> float:
    """Of one picture."""
    shared = [common(written, words) for words in true]
    precision = max(shared) / max(len(written), 1)
    recall = max(length / max(len(words), 1) for length, words in zip(shared, true, strict=True))
    if not precision or not recall:
        return 0.0
    return (1 + BETA**2) * precision * recall / (recall + BETA**2 * precision)


def common(one: Words, other: Words) -> int:
    """The length of the longest common subsequence."""
    row = [0] * (len(other) + 1)
    for word in one:
        before = 0  # what stood one place to the left in the row above
        for j, against in enumerate(other, 1):
            before, row[j] = row[j], before + 1 if word == against else max(row[j], row[j - 1])
    return row[-1]
