"""CIDEr-D against the caption toolkit's values, hand-computed ones and a version in loops."""

import math
import random

import numpy as np

from mmjax.metrics.captions import split
from mmjax.metrics.cider import cider, scores
from tests.metrics.captions import EACH, PREDICTIONS, TOOLKIT, TRUTHS


def in_loops(pairs):
    """The equation, n-gram by n-gram of lists, without counters or vectors."""

    def runs(words, n):
        return [" ".join(words[i : i + n]) for i in range(len(words) - n + 1)]

    def weight(gram, words, n):
        pictures = sum(any(gram in runs(truth, n) for truth in true) for _, true in pairs)
        return runs(words, n).count(gram) * (math.log(len(pairs)) - math.log(max(pictures, 1)))

    found = []
    for written, true in pairs:
        total = 0.0
        for words in true:
            apart = len(runs(written, 2)) - len(runs(words, 2))
            for n in range(1, 5):
                norms = [
                    math.sqrt(sum(weight(g, side, n) ** 2 for g in sorted(set(runs(side, n)))))
                    for side in (written, words)
                ]
                if not all(norms):
                    continue
                shared = 0.0
                for gram in sorted(set(runs(written, n))):
                    own, other = weight(gram, written, n), weight(gram, words, n)
                    shared += min(own, other) * other
                total += shared / norms[0] / norms[1] * math.exp(-(apart**2) / 72)
        found.append(10 * total / 4 / len(true))
    return found


def test_values_are_those_of_the_caption_toolkit():
    np.testing.assert_allclose(cider(PREDICTIONS, TRUTHS)["cider"], TOOLKIT["cider"])
    np.testing.assert_allclose(scores(split(PREDICTIONS, TRUTHS)), EACH["cider"], atol=1e-7)


def test_it_is_the_equation_in_loops():
    rng = random.Random(0)

    def caption():
        return " ".join(rng.choices(["a", "b", "c", "d", "e"], [4, 2, 2, 1, 1], k=rng.randint(1, 9)))

    truths = [[caption() for _ in range(rng.randint(1, 3))] for _ in range(8)]
    pairs = split([caption() for _ in truths], truths)
    found = scores(pairs)
    np.testing.assert_allclose(found, in_loops(pairs))
    assert max(found) > 0.5


def test_a_caption_that_is_its_only_truth_has_ten_times_the_share_of_lengths_that_it_has():
    # Of two words there are runs of 1 and 2, but none of 3 and 4.
    assert np.allclose(scores(split(["red dog", "a b c d"], [["red dog"], ["a b c d"]])), [5, 10])


def test_what_is_true_of_every_picture_is_worth_nothing():
    np.testing.assert_allclose(cider(["a", "a"], [["a dog"], ["a cat"]])["cider"], 0)
    assert cider(["a dog"], [["a dog"]]) == {"cider": 0}  # one picture: all of it is true of every picture


def test_saying_a_rare_word_again_and_again_gains_nothing():
    truths = [["dog runs"], ["cat sits"], ["bird flies"]]
    once, often = (cider([words, "x", "x"], truths)["cider"] for words in ("dog runs", "dog dog dog dog runs"))
    assert often < once / 2


def test_a_length_that_is_off_by_sigma_costs_as_much_as_a_gaussian_says():
    truths = [["p q r s"], ["z"]]
    written = "p q r s " + "z " * 6  # what is written more is in every other picture, but counts in the norm
    own = [math.log(2) * math.sqrt(norm) for norm in (4 + 36, 3 + 1 + 25, 2 + 2 + 16, 1 + 3 + 9)]
    true = [math.log(2) * math.sqrt(4 - n) for n in range(4)]
    alike = sum(t**2 / (o * t) for o, t in zip(own, true, strict=True)) / 4
    found = scores(split([written, "z"], truths))[0]
    np.testing.assert_allclose(found, 10 * alike * math.exp(-0.5))


def test_of_no_picture_there_is_no_value():
    assert cider([], []) == {}
    assert cider(["", "x"], [["a"], ["b"]]) == {"cider": 0}
