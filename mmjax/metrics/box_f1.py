"""Detection written as text: the F1 of boxes that have the right label and overlap a true box enough.

F1 = 2 matched / (boxes written + true boxes), matched one to one, from the greatest overlap down, where IoU >= overlap

A box is four tokens `<locNNNN>` (top, left, bottom, right) and a label (Chen et al. 2022, Pix2Seq, arXiv 2109.10852).
"""

import dataclasses
import re
from itertools import product

BOX = re.compile(r"<loc(\d+)>\s*<loc(\d+)>\s*<loc(\d+)>\s*<loc(\d+)>([^<;]*)")
Box = tuple[str, tuple[int, ...]]


@dataclasses.dataclass(frozen=True)
class BoxF1:
    """(prediction, truth) -> F1 in 0..1; 1 where there is no box in either."""

    overlap: float = 0.5

    def __post_init__(self):
        if not 0 < self.overlap <= 1:
            raise ValueError(f"overlap is {self.overlap}; expected a share above 0 and at most 1")

    def __call__(self, prediction: str, truth: str) -> float:
        written, true = boxes(prediction), boxes(truth)
        if not written and not true:
            return 1.0
        pairs = [
            (iou(a[1], b[1]), i, j) for (i, a), (j, b) in product(enumerate(written), enumerate(true)) if a[0] == b[0]
        ]
        left, right = set(range(len(written))), set(range(len(true)))
        for share, i, j in sorted(pairs, reverse=True):
            if share >= self.overlap and i in left and j in right:
                left.remove(i), right.remove(j)
        return 2 * (len(true) - len(right)) / (len(written) + len(true))


def boxes(text: str) -> list[Box]:
    """The (label, (top, left, bottom, right)) of a string; what is no box is passed over."""
    return [(" ".join(label.split()), tuple(map(int, places))) for *places, label in BOX.findall(text)]


def iou(one: tuple[int, ...], other: tuple[int, ...]) -> float:
    """The overlap of two boxes as a share of what they cover together; places are whole bins, both ends included."""
    sides = [min(a, b) - max(c, d) + 1 for a, b, c, d in zip(one[2:], other[2:], one[:2], other[:2], strict=True)]
    shared = max(sides[0], 0) * max(sides[1], 0)
    together = area(one) + area(other) - shared
    return shared / together if together else 0.0


def area(box: tuple[int, ...]) -> int:
    top, left, bottom, right = box
    return max(bottom - top + 1, 0) * max(right - left + 1, 0)
