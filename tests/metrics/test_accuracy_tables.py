"""Scores of classes and confusions against counts by hand."""

import numpy as np
import pytest

from mmjax.metrics.accuracy_tables import accuracy_tables, per_class

TRUTHS = ["cat"] * 4 + ["dog"] * 3 + ["n/a"]
PREDICTIONS = ["cat", "cat", "cat", "dog", "dog", "cat", "n/a", "bird"]


def test_each_class_has_its_precision_recall_f1_and_support():
    found = accuracy_tables(PREDICTIONS, TRUTHS)
    table = {
        row: [found[f"{score}/class/{row}"] for score in ("precision", "recall", "f1", "support")]
        for row in ("cat", "dog", "n/a", "bird")
    }
    assert table == {
        "cat": [3 / 4, 3 / 4, 6 / 8, 4],
        "dog": [1 / 2, 1 / 3, 2 / 5, 3],
        "n/a": [0, 0, 0, 1],
        "bird": [0, 0, 0, 0],
    }
    assert found["accuracy"] == 4 / 8
    np.testing.assert_allclose(found["macro_f1"], (6 / 8 + 2 / 5) / 4)
    np.testing.assert_allclose(found["weighted_f1"], (4 * 6 / 8 + 3 * 2 / 5) / 8)
    assert all(type(value) is float for value in found.values())


def test_confusions_are_shares_of_what_is_true_in_a_table_of_its_own():
    found = accuracy_tables(PREDICTIONS, TRUTHS)
    cells = {tuple(name.split("/", 2)): value for name, value in found.items() if "/truth, by prediction/" in name}
    table = "truth, by prediction"
    assert cells == {
        ("cat", table, "cat"): 3 / 4,
        ("dog", table, "cat"): 1 / 4,
        ("dog", table, "dog"): 1 / 3,
        ("cat", table, "dog"): 1 / 3,
        ("n∕a", table, "dog"): 1 / 3,
        ("n∕a", table, "n/a"): 0.0,
        ("bird", table, "n/a"): 1.0,
    }


def test_f1_agrees_with_the_harmonic_mean_of_precision_and_recall():
    rng = np.random.default_rng(0)
    truths, predictions = rng.integers(0, 4, (2, 50)).tolist()
    for name, scores in per_class(predictions, truths).items():
        both = [
            sum(p == t == name for p, t in zip(predictions, truths, strict=True)) / side.count(name)
            for side in (predictions, truths)
        ]
        np.testing.assert_allclose([scores.precision, scores.recall], both)
        np.testing.assert_allclose(scores.f1, 2 * both[0] * both[1] / sum(both))


def test_rows_stand_in_the_order_of_the_labels():
    found = accuracy_tables(["-1", "10", "9", "x"], ["-1", "9", "10", "x"], labels=("9", "10", "-1"))
    assert [name.split("/")[2] for name in found if name.startswith("recall/")] == ["9", "10", "-1", "x"]
    assert [name.split("/")[2] for name in accuracy_tables(["b"], ["a"]) if name.startswith("f1/")] == ["a", "b"]


def test_rare_classes_come_together_so_that_no_example_is_lost():
    found = accuracy_tables(["a", "a", "b", "c", "d"], ["a", "a", "b", "b", "c"], most=2)
    rows = {name.split("/", 2)[2] for name in found if name.count("/") > 1}
    assert rows == {"a", "b", "(others)"}
    assert found["(others)/truth, by prediction/b"] == 0.5
    assert found["(others)/truth, by prediction/(others)"] == 1
    np.testing.assert_allclose(found["macro_f1"], (1 + 2 / 3) / 4)  # of all four classes


def test_no_examples_make_no_table_and_unequal_numbers_are_refused():
    assert accuracy_tables([], []) == {}
    with pytest.raises(ValueError, match="1 predictions for 2 truths; expected one for each"):
        accuracy_tables(["a"], ["a", "b"])
