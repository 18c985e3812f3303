"""BLEU against the examples of its paper, other programs' values and a loop."""

import math

import numpy as np
import pytest

from mmjax.metrics.bleu import bleu, precisions
from mmjax.metrics.captions import split
from tests.metrics.captions import PREDICTIONS, TOOLKIT, TRUTHS

# Of Papineni et al. 2002, sections 2.1 and 2.1.1; the values of the corpus are those of NLTK's documentation.
PARTY = [
    "It is a guide to action that ensures that the military will forever heed Party commands.",
    "It is the guiding principle which guarantees the military forces always being under the command of the Party.",
    "It is the practical guide for the army always to heed the directions of the party.",
]
GOOD = "It is a guide to action which ensures that the military always obeys the commands of the party."
BAD = "It is to insure the troops forever hearing the activity guidebook that party direct."
MAT = ["The cat is on the mat.", "There is a cat on the mat."]


@pytest.mark.parametrize(
    ("written", "true", "shares"),
    [
        ("the the the the the the the", MAT, [2 / 7, 0]),
        (GOOD, PARTY, [17 / 18, 10 / 17]),
        (BAD, PARTY, [8 / 14, 1 / 13]),
    ],
)
def test_the_clipped_precisions_are_those_of_the_paper(written, true, shares):
    np.testing.assert_allclose(precisions(split([written], [true]))[:2], shares)


def test_values_are_those_that_other_programs_publish():
    np.testing.assert_allclose(bleu([GOOD], [PARTY])["bleu_4"], 0.5045, atol=1e-4)
    second = "he read the book because he was interested in world history"
    both = [PARTY, ["he was interested in world history because he read the book"]]
    np.testing.assert_allclose(bleu([GOOD, second], both)["bleu_4"], 0.5920, atol=1e-4)
    for name, value in bleu(PREDICTIONS, TRUTHS).items():
        np.testing.assert_allclose(value, TOOLKIT[name], rtol=1e-8)


def test_the_nearest_true_length_counts_and_of_two_the_shorter():
    truths = ["a b c d e f", "a b c d"]  # both one word off five
    assert bleu(["a b c d e"], [truths])["bleu_1"] == 1
    np.testing.assert_allclose(bleu(["a b c"], [truths])["bleu_1"], math.exp(1 - 4 / 3))


def test_counts_are_of_the_corpus_and_not_means_of_its_captions():
    # 1 of 1 word and 2 of 4 words: 3 of 5, in 5 words for 5.
    np.testing.assert_allclose(bleu(["a", "b x c y"], [["a"], ["b c d e"]])["bleu_1"], 3 / 5)


def test_without_one_true_run_of_words_its_value_is_zero():
    assert bleu(["a b c"], [["a b c"]])["bleu_4"] == 0
    assert bleu([""], [["a"]]) == {f"bleu_{n}": 0 for n in range(1, 5)}
    assert bleu([], []) == {}


def test_pictures_without_truths_are_refused():
    with pytest.raises(ValueError, match=r"picture 1 has the true captions \[\]; expected a list of at least one"):
        bleu(["a", "b"], [["a"], []])
    with pytest.raises(ValueError, match="picture 0 has the true captions 'abc'"):
        bleu(["a"], ["abc"])
    with pytest.raises(ValueError, match="1 captions were written for 2 pictures"):
        bleu(["a"], [["a"], ["b"]])
