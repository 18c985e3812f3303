"""The answers that people gave, as a score for each of those that are common (VQA: arXiv 1505.00468, 1708.02711)."""

from __future__ import annotations

import dataclasses
import functools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from mmjax.data.label import said
from mmjax.data.labels import Labels


@dataclasses.dataclass(frozen=True)
class Votes(Labels):
    """The feature `feature`, an answer or a list of them, as scores [size] float32; -1 where a row has none.

    An answer is among the `size` that are told where it is the one that most people gave of at least `least` questions:
    of all that the data set counts (its metadata), or else of the training rows, in the order in which they come first.
    `names` are such answers in another order, or with others; those that they lack are an error, which a larger
    `least` allows. What is not among them counts nowhere: a row may have scores that are all 0.
    `scores[n]` is the score of an answer that n people gave, the last one that of more.
    """

    least: int = 9
    scores: tuple[float, ...] = (0.0, 0.3, 0.6, 0.9, 1.0)

    def __post_init__(self):
        super().__post_init__()
        if self.least < 1:
            raise ValueError(f"least is {self.least}; expected 1 or more questions")
        if len(self.scores) < 2 or self.scores[0] or not all(0 <= one <= 1 for one in self.scores):
            raise ValueError(f"scores are {self.scores}; expected 0.0 for nobody, then one or more numbers from 0 to 1")

    def known(self, source: Any, values: Iterable[Any]) -> list[str]:
        """The answers in order. Raises ValueError where they are not `size`, or `names` lacks a common one."""
        counted = dict(source.info.metadata or {}).get("answers")
        times = dict(counted) if counted else Counter(most for value in values if (most := _most(value)))
        found = [answer for answer, count in times.items() if count >= self.least]
        if not self.names:
            if len(found) != self.size:
                raise ValueError(
                    f"{len(found):,} answers are given to at least {self.least} questions, but data.labels.size is "
                    f"{self.size}: make it {len(found)}, or change data.labels.least"
                )
            return found
        lacking = [answer for answer in found if answer not in set(self.names)]
        if lacking:
            raise ValueError(
                f"names lacks {lacking[0]!r:.60}, the answer to {times[lacking[0]]:,} questions"
                f"{f' (and {len(lacking) - 1:,} more)' if lacking[1:] else ''}: add it, or raise data.labels.least"
            )
        return list(self.names)

    def __call__(self, source: Any, value: Any, names: Sequence[str]) -> np.ndarray:
        votes, places = _votes(value), _places(tuple(names))
        if not votes:
            return self.blank()
        found = np.zeros(self.size, np.float32)
        for answer, people in votes.items():
            if answer in places:
                found[places[answer]] = self.scores[min(people, len(self.scores) - 1)]
        return found


def _votes(value: Any) -> Counter:
    """How many gave each answer; one alone is a list of one."""
    listed = value if isinstance(value, list | tuple | np.ndarray) else [value]
    return Counter(answer for one in listed if (answer := said(one)))


def _most(value: Any) -> str:
    """The answer that most gave, of several the first."""
    return next((answer for answer, _ in _votes(value).most_common(1)), "")


@functools.lru_cache(maxsize=4)
def _places(names: tuple[str, ...]) -> Mapping[str, int]:
    return {name: place for place, name in enumerate(names)}
