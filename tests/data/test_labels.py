"""Labels of rows: lists of names, of classes and numbers, and what is not known of them."""

import numpy as np
import pytest
import tensorflow_datasets as tfds

from mmjax.data.labels import Labels
from mmjax.data.modality.vector import Vector
from mmjax.data.rows import Rows

NAMES = ("joy", "anger", "fear")
ROWS = ((), ("fear",), ("joy", "anger"), ("joy",))


@pytest.fixture
def folder(tmp_path, tfds_set):
    """Each row's labels in each form that a data set may have them in; the numbers say nothing of fear in row 0."""
    numbers = np.array([[name in row for name in NAMES] for row in ROWS], np.float32)
    numbers[0, 2] = np.nan
    rows = [
        {"words": list(row), "classes": list(row), "numbers": numbers[i], "view": np.ones(2, np.float32)}
        for i, row in enumerate(ROWS)
    ]
    features = {
        "words": tfds.features.Sequence(tfds.features.Text()),
        "classes": tfds.features.Sequence(tfds.features.ClassLabel(names=NAMES)),
        "numbers": tfds.features.Tensor(shape=(3,), dtype=np.float32),
        "view": tfds.features.Tensor(shape=(2,), dtype=np.float32),
    }
    odd = {**rows[0], "words": ["envy"], "numbers": np.full(3, 0.5, np.float32)}
    tfds_set(tmp_path, "felt", features, {"train": rows, "test": rows[:2], "odd": [odd]})
    return tmp_path


def feed(folder, labels, run="run", test="test"):
    config = Rows("felt", {"view": Vector("view", 2)}, labels=labels, batch=4, test=test, data_dir=str(folder))
    return config.open(folder / run)


@pytest.mark.parametrize(
    ("labels", "order"),
    [
        (Labels("classes", 3), NAMES),
        (Labels("words", 3), ("anger", "fear", "joy")),
        (Labels("words", 3, ("fear", "joy", "anger")), ("fear", "joy", "anger")),
        (Labels("numbers", 3, NAMES), NAMES),
    ],
)
def test_each_form_says_which_labels_hold(folder, labels, order):
    opened = feed(folder, labels)
    (batch,) = opened.split(split="train")
    assert opened.vocabulary.labels == order
    expected = np.array([[name in row for name in order] for row in ROWS], float)
    if labels.feature == "numbers":
        expected[0, 2] = -1
    np.testing.assert_array_equal(batch["labels"], expected)
    (padded,) = opened.split()
    assert (padded["labels"][2:] == -1).all() and (opened.config.blank()["labels"] == -1).all()


def test_a_label_that_stands_twice_holds_and_more_than_there_are_are_told_by_name(folder):
    labels, source = Labels("words", 3), feed(folder, Labels("words", 3)).source
    np.testing.assert_array_equal(labels(source, ["joy"] * 4, ["anger", "fear", "joy"]), [0, 0, 1])
    with pytest.raises(ValueError, match="label 'd' is none of 'a', 'b', 'c'"):
        labels(source, ["a", "b", "c", "d"], ["a", "b", "c"])


def test_numbers_without_names_are_called_by_their_places(folder):
    assert feed(folder, Labels("numbers", 3)).vocabulary.labels == ("0", "1", "2")


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        (Labels("words", 3), "felt test row 0: label 'envy' is none of 'anger', 'fear', 'joy'"),
        (Labels("numbers", 3), r"felt test row 0: labels .*0\.5.*, expected 3 numbers, each 0, 1 or NaN"),
        (Labels("words", 4), r"the data has 3 labels, but data\.labels\.size is 4"),
    ],
)
def test_labels_that_do_not_fit_are_told_before_the_training(folder, labels, told):
    with pytest.raises(ValueError, match=told):
        _ = feed(folder, labels, test="odd").vocabulary


def test_sizes_that_fit_no_names_are_refused():
    with pytest.raises(ValueError, match="size is 2 with 3 names"):
        Labels("words", 2, NAMES)
    with pytest.raises(ValueError, match="twice; expected every class once"):
        Labels("words", 2, NAMES[:1] * 2)
