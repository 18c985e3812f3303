"""ROUGE-L against the caption toolkit's values, hand-computed ones and all subsequences."""

import random
from itertools import combinations

import numpy as np

from mmjax.metrics.captions import split
from mmjax.metrics.rouge_l import common, rouge_l, score
from tests.metrics.captions import EACH, PREDICTIONS, TOOLKIT, TRUTHS


def test_values_are_those_of_the_caption_toolkit():
    np.testing.assert_allclose(rouge_l(PREDICTIONS, TRUTHS)["rouge_l"], TOOLKIT["rouge_l"])
    each = [score(*pair) for pair in split(PREDICTIONS, TRUTHS)]
    np.testing.assert_allclose(each, EACH["rouge_l"], atol=1e-8)


def test_the_longest_common_subsequence_is_the_longest_of_all_that_are_common():
    rng = random.Random(0)
    for _ in range(30):
        one, other = (rng.choices("abc", k=rng.randint(0, 6)) for _ in range(2))
        every = [{tuple(pick) for n in range(7) for pick in combinations(words, n)} for words in (one, other)]
        assert common(one, other) == max(len(words) for words in every[0] & every[1])


def test_a_caption_of_the_paper_in_another_order_shares_what_is_in_order():
    # Lin 2004: "police kill the gunman" shares 3 words in order with the truth below, "the gunman kill police" only 2.
    truth = ["police killed the gunman"]
    for written, shared in (("police kill the gunman", 3), ("the gunman kill police", 2)):
        np.testing.assert_allclose(rouge_l([written], [truth])["rouge_l"], shared / 4)


def test_the_best_precision_and_the_best_recall_may_be_of_different_truths():
    precision, recall = 2 / 2, 1 / 1
    assert score(["a", "b"], [["a", "b", "c", "d"], ["a"]]) == 2.44 * precision * recall / (recall + 1.44 * precision)


def test_nothing_shared_and_nothing_written_is_worth_nothing():
    assert rouge_l(["x", ""], [["a"], ["a"]]) == {"rouge_l": 0}
    assert rouge_l([], []) == {}
