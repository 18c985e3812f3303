"""Edit distances against a search over all ways to turn one text into the other."""

from functools import cache

import numpy as np

from mmjax.metrics.character_error_rate import CharacterErrorRate, distance


def searched(one: str, other: str) -> int:
    @cache
    def least(i: int, j: int) -> int:
        if i == len(one) or j == len(other):
            return len(one) - i + len(other) - j
        change = least(i + 1, j + 1) + (one[i] != other[j])
        return min(change, least(i + 1, j) + 1, least(i, j + 1) + 1)

    return least(0, 0)


def test_the_distance_is_the_least_number_of_changes():
    rng = np.random.default_rng(0)
    texts = ["".join(rng.choice(list("abc"), rng.integers(0, 7))) for _ in range(60)]
    for one, other in zip(texts[:30], texts[30:], strict=True):
        assert distance(one, other) == searched(one, other)
    assert distance("kitten", "sitting") == 3


def test_the_rate_is_per_character_of_the_truth():
    rate = CharacterErrorRate()
    assert rate("stop", "stop") == 0
    assert rate("stip", "stop") == 0.25
    assert rate("", "stop") == 1
    assert rate("too much", "to") == 3
    assert rate("a", "") == 1
