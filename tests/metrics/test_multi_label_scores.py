"""Scores of labels that may hold together against scikit-learn's, and what is not known."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score, precision_recall_fscore_support

from mmjax.metrics.multi_label_scores import average_precision, multi_label_scores

NAMES = ("red", "green", "blue", "never")


def drawn(count=60):
    """Scores with ties and labels; the last label never holds and is never said."""
    rng = np.random.default_rng(0)
    scores = rng.integers(0, 8, (count, 4)) / 8
    holds = (rng.random((count, 4)) < scores * 0.8).astype(float)
    scores[:, 3] = holds[:, 3] = 0
    return scores, holds


def test_all_labels_and_each_have_the_scores_that_scikit_learn_gives():
    scores, holds = drawn()
    found, said = multi_label_scores(scores, holds, NAMES), scores >= 0.5
    assert found["micro_f1"] == pytest.approx(f1_score(holds, said, average="micro"))
    assert found["macro_f1"] == pytest.approx(f1_score(holds[:, :3], said[:, :3], average="macro"))
    precisions = [average_precision_score(holds[:, c], scores[:, c]) for c in range(3)]
    assert found["mean_average_precision"] == pytest.approx(np.mean(precisions))
    expected = precision_recall_fscore_support(holds, said, zero_division=0)
    for name, values in zip(("precision", "recall", "f1", "support"), expected, strict=True):
        np.testing.assert_allclose([found[f"{name}/class/{label}"] for label in NAMES], values)
    np.testing.assert_allclose([found[f"average_precision/class/{label}"] for label in NAMES], [*precisions, 0])
    assert all(type(value) is float for value in found.values())


def test_what_is_not_known_counts_nowhere():
    scores, holds = drawn()
    known = np.random.default_rng(1).random(holds.shape) < 0.7
    found = multi_label_scores(scores, np.where(known, holds, -1), NAMES)
    for c, name in enumerate(NAMES[:3]):
        mine = multi_label_scores(scores[known[:, c], c][:, None], holds[known[:, c], c][:, None], [name])
        for score in ("precision", "recall", "f1", "support", "average_precision"):
            assert found[f"{score}/class/{name}"] == pytest.approx(mine[f"{score}/class/{name}"])


def test_equal_scores_are_said_together():
    assert average_precision(np.array([0.9, 0.5, 0.5, 0.1]), np.array([True, False, True, False])) == pytest.approx(
        0.5 * 1 + 0.5 * 2 / 3
    )


def test_the_table_holds_the_most_frequent_labels_in_their_order():
    found = multi_label_scores([[1, 1, 0]], [[0, 1, 1]], ("a", "b", "c"), most=2)
    assert [name.split("/")[2] for name in found if name.startswith("recall/")] == ["b", "c"]
    assert found["macro_f1"] == pytest.approx((0 + 1 + 0) / 3)


def test_no_examples_make_no_scores_and_other_shapes_are_refused():
    assert multi_label_scores([], [], NAMES) == {}
    with pytest.raises(ValueError, match=r"scores \(1, 2\) and truths \(1, 3\) of 2 labels"):
        multi_label_scores([[0, 1]], [[0, 1, 1]], ("a", "b"))
