"""Exact match of generated sequences, whatever the lengths of the arrays that hold them."""

import numpy as np
import pytest

from mmjax.metrics.exact_match import exact_match

PAD, EOS = 0, 1


def match(tokens, target, mask=None):
    target = np.array(target)
    mask = target != PAD if mask is None else np.array(mask, bool)
    return np.asarray(exact_match(np.array(tokens), target, mask, PAD)).tolist()


@pytest.mark.parametrize(
    ("tokens", "target", "right"),
    [
        ([5, 6, EOS], [5, 6, EOS], True),
        ([5, 7, EOS], [5, 6, EOS], False),
        ([6, 5, EOS], [5, 6, EOS], False),
        ([5, EOS, PAD], [5, 6, EOS], False),
        ([5, 6, 7], [5, 6, EOS], False),
        ([5, 6, EOS, PAD, PAD], [5, 6, EOS], True),
        ([5, 6, EOS], [5, 6, EOS, PAD, PAD], True),
        ([5, 6, EOS, 7], [5, 6, EOS], False),
        ([5, 6], [5, 6, EOS], False),
    ],
)
def test_a_row_counts_where_every_token_and_the_end_are_right(tokens, target, right):
    assert match([tokens], [target]) == [right]


def test_every_row_of_every_picture_is_judged_by_itself():
    tokens = [[[5, EOS, PAD], [6, EOS, PAD]], [[7, 8, EOS], [5, EOS, PAD]]]
    target = [[[5, EOS], [5, EOS]], [[7, 8], [5, EOS]]]
    assert match(tokens, target) == [[True, False], [False, True]]


def test_what_lies_under_the_mask_of_the_target_does_not_count():
    assert match([[5, EOS, PAD]], [[5, EOS, 99]], [[1, 1, 0]]) == [True]
    assert match([[5, EOS, 99]], [[5, EOS, 99]], [[1, 1, 0]]) == [False]
