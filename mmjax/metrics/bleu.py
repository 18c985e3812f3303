"""BLEU of captions: the share of written n-grams that are true (Papineni et al. 2002, ACL P02-1040).

BLEU_N = min(1, exp(1 - r / c)) (prod_{n <= N} p_n)^(1 / N)
p_n = n-grams written, each counted at most as often as in the one truth that has it most / n-grams written

c is the length written and r that of the truth nearest to it (of two the shorter), both summed over the corpus, as are
the counts of p_n. Nothing is smoothed: without a single true 4-gram BLEU_4 is 0.
"""

import dataclasses
import math
from collections import Counter
from collections.abc import Sequence

from mmjax.metrics.captions import Words, grams, split

N = 4


def bleu(predictions: Sequence[str], truths: Sequence[Sequence[str]]) -> dict[str, float]:
    """{"bleu_1": ..., "bleu_4": ...} in 0..1 of a caption and its true ones for each picture; of no picture nothing."""
    pairs = split(predictions, truths)
    if not pairs:
        return {}
    shares = precisions(pairs)
    length = sum(len(written) for written, _ in pairs)
    nearest = sum(min((abs(len(t) - len(written)), len(t)) for t in true)[1] for written, true in pairs)
    brevity = min(1.0, math.exp(1 - nearest / length)) if length else 0.0
    return {f"bleu_{n}": brevity * math.prod(shares[:n]) ** (1 / n) for n in range(1, N + 1)}


@dataclasses.dataclass(frozen=True)
class Bleu:
    """`bleu` as a config names it."""

    def __call__(self, predictions: Sequence[str], truths: Sequence[Sequence[str]]) -> dict[str, float]:
        return bleu(predictions, truths)


def precisions(pairs: Sequence[tuple[Words, Sequence[Words]]]) -> list[float]:
    """[p_1, ..., p_4] of (words written, words of each truth); 0 where no n-gram was written."""
    shares = []
    for n in range(1, N + 1):
        right = total = 0
        for written, true in pairs:
            most = Counter()
            for words in true:
                most |= grams(words, n)
            found = grams(written, n)
            right, total = right + (found & most).total(), total + found.total()
        shares.append(right / total if total else 0.0)
    return shares
