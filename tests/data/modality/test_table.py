"""Records with numbers and categories: their cells, what is empty, what no training row holds, and what is told."""

import json

import numpy as np
import pytest

from mmjax.data.modality.table import UNKNOWN, Table

TABLE = Table("person", numeric=("age", "height"), categories=(("city", 3), ("floor", 2)))
RECORDS = (
    {"age": 20, "height": 1.5, "city": "Rome", "floor": 1},
    {"age": 40, "height": None, "city": "Bonn", "floor": 2, "other": "x"},
    {"age": "", "height": 1.7, "city": "", "floor": None},
    None,
)


@pytest.fixture
def fitted():
    return TABLE.fit(RECORDS)


def test_numbers_are_scaled_and_categories_are_ids_of_their_sorted_names(fitted):
    values, mask = TABLE(RECORDS[0], fitted)
    np.testing.assert_allclose(values, [-1, -1, 1, 0], rtol=1e-5)
    assert mask.all() and values.dtype == np.float32 and fitted["names"] == [["Bonn", "Rome"], ["1", "2"]]


def test_each_cell_has_a_mask_of_its_own(fitted):
    values, mask = TABLE(RECORDS[1], fitted)
    assert mask.tolist() == [True, False, True, True] and values[1] == 0
    assert TABLE(RECORDS[2], fitted)[1].tolist() == [False, True, False, False]
    for nothing in (None, {}, "", {"age": None}, {"age": float("nan"), "city": " "}):
        np.testing.assert_array_equal(TABLE(nothing, fitted), TABLE.blank())


def test_a_name_that_no_training_row_holds_is_real_and_unknown(fitted):
    values, mask = TABLE({"city": "Oslo", "age": 30}, fitted)
    assert values[2] == UNKNOWN and mask.tolist() == [True, False, True, False]


def test_json_and_what_tfds_gives_read_as_the_record(fitted):
    expected = TABLE(RECORDS[0], fitted)
    np.testing.assert_array_equal(TABLE(json.dumps(RECORDS[0]).encode(), fitted), expected)
    from_tfds = {"age": np.float32(20), "height": np.float32(1.5), "city": b"Rome", "floor": np.int64(1)}
    np.testing.assert_allclose(TABLE(from_tfds, fitted)[0], expected[0], rtol=1e-6)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ([1, 2], r"\[1, 2\] is no record: expected \{'age': value"),
        ("Rome", "'Rome' is no record"),
        ({"Age": 3}, "it has Age, but its columns are age, height, city, floor"),
        ({"age": "old"}, "age: 'old' is not made of numbers"),
        ({"age": [1, 2]}, "age: 2 numbers, expected one"),
        ({"age": True}, "age: True is not made of numbers"),
        ({"city": 1.5}, "city: 1.5 is no category: expected a text or a whole number"),
        ({"city": ["Rome"]}, "city: .* is no category"),
    ],
)
def test_what_is_no_record_is_told_with_its_column(fitted, value, told):
    with pytest.raises(ValueError, match=told):
        TABLE(value, fitted)


def test_training_rows_that_decide_nothing_or_too_much_are_told():
    with pytest.raises(ValueError, match="no training row holds a number in 'height'"):
        TABLE.fit([{"age": 1, "city": "a", "floor": 1}])
    with pytest.raises(ValueError, match="hold 3 names in 'floor', expected 1 to 2"):
        TABLE.fit([{"age": 1, "height": 2, "city": "a", "floor": n} for n in range(3)])


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({}, "it has no column"),
        ({"numeric": ("a",), "categories": (("a", 2),)}, "a column stands twice in a, a"),
        ({"categories": (("a", 0),)}, "categories say 0 for 'a'"),
    ],
)
def test_columns_that_cannot_be_are_refused(fields, told):
    with pytest.raises(ValueError, match=told):
        Table("person", **fields)
