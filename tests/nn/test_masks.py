"""Masks are what their docstring draws."""

import numpy as np

from mmjax.nn import masks


def drawn(text: str) -> np.ndarray:
    return np.array([[mark == "1" for mark in line.split()] for line in text.strip().splitlines()])


def test_causal_and_prefix_masks_are_as_drawn():
    np.testing.assert_array_equal(masks.causal(3)[0], drawn("1 0 0\n1 1 0\n1 1 1"))
    np.testing.assert_array_equal(masks.prefix(4, 2)[0], drawn("1 1 0 0\n1 1 0 0\n1 1 1 0\n1 1 1 1"))
    assert masks.causal(3).dtype == bool


def test_a_prefix_of_everything_is_full_and_one_of_nothing_or_one_is_causal():
    np.testing.assert_array_equal(masks.prefix(3, 3)[0], np.ones((3, 3), bool))
    np.testing.assert_array_equal(masks.prefix(3, 1), masks.causal(3))
    np.testing.assert_array_equal(masks.prefix(3, 0), masks.causal(3))


def test_keys_are_the_same_for_every_query_and_pad_a_causal_decoder():
    real = np.array([[True, True, False], [True, False, True]])
    np.testing.assert_array_equal(masks.keys(real), [[[1, 1, 0]], [[1, 0, 1]]])
    both = np.asarray(masks.causal(3) & masks.keys(real))
    np.testing.assert_array_equal(both[0], drawn("1 0 0\n1 1 0\n1 1 0"))
    np.testing.assert_array_equal(both[1], drawn("1 0 0\n1 0 0\n1 0 1"))


def test_a_cache_shows_its_places_up_to_the_index_as_the_rows_of_a_causal_mask_do():
    for index in range(4):
        np.testing.assert_array_equal(masks.until(4, index)[0, 0], masks.causal(4)[0, index])
        np.testing.assert_array_equal(masks.until(5, index, rows=2)[0], masks.causal(5)[0, index : index + 2])


def test_a_place_that_asks_for_a_word_sees_what_stands_before_the_word_and_itself():
    wanted = "1 1 0 0 0 0\n1 1 0 0 0 0\n1 1 1 0 0 0\n1 1 1 1 0 0\n1 1 0 0 1 0\n1 1 1 0 0 1"
    np.testing.assert_array_equal(masks.asked(4, 2, 2)[0], drawn(wanted))
    np.testing.assert_array_equal(masks.asked(3, 1, 0), masks.prefix(3, 1))


def test_places_count_the_real_tokens_before_each():
    real = np.array([[True, True, False, True], [False, True, True, True]])
    np.testing.assert_array_equal(masks.places(real), [[0, 1, 1, 2], [0, 0, 1, 2]])
