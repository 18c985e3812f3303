"""Character error rate of text that was read: insertions, deletions and substitutions per character of the truth.

CER = d(prediction, truth) / |truth|, d the edit distance (Levenshtein 1966)
"""

import dataclasses


@dataclasses.dataclass(frozen=True)
class CharacterErrorRate:
    """(prediction, truth) -> the rate, 0 for equal texts; above 1 where more was written than there is to read."""

    def __call__(self, prediction: str, truth: str) -> float:
        return distance(prediction, truth) / max(len(truth), 1)


def distance(one: str, other: str) -> int:
    """The fewest characters to insert, delete or change that turn one text into the other."""
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        diagonal, row[0] = row[0], i
        for j, b in enumerate(other, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (a != b))
    return row[-1]
