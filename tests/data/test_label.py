"""Labels of rows that are asked once or several times."""

from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow_datasets as tfds

from mmjax.data.label import Label

NAMES = ("no", "yes")


def source(feature):
    return SimpleNamespace(info=SimpleNamespace(features={"answer": feature}))


TEXTS = source(tfds.features.Sequence(tfds.features.Text()))
CLASSES = source(tfds.features.Sequence(tfds.features.ClassLabel(names=NAMES)))


def test_a_row_asked_several_times_has_a_list_of_classes_and_none_for_what_is_not_asked():
    label = Label("answer", many=3)
    np.testing.assert_array_equal(label.blank(), [-1, -1, -1])
    assert label.known(TEXTS, [[b"yes", b"no"], [b"maybe", b""]]) == ["maybe", "no", "yes"]
    np.testing.assert_array_equal(label(TEXTS, [b"yes", b"", b"no"], NAMES), [1, -1, 0])
    assert label.known(CLASSES, []) == ["no", "yes"]
    found = label(CLASSES, np.array([1, 0]), NAMES)
    np.testing.assert_array_equal(found, [1, 0, -1])
    assert found.dtype == np.int32


def test_whole_numbers_are_in_their_order_and_names_after_them():
    found = Label("answer").known(source(tfds.features.Text()), [b"-2", b"10", b"0", b"good", b"+3", b"-1", b"bad"])
    assert found == ["-2", "-1", "0", "+3", "10", "bad", "good"]


def test_a_row_asked_once_has_one():
    label = Label("answer")
    assert label.blank().shape == () and label(source(tfds.features.Text()), b"yes", NAMES) == 1
    classes = source(tfds.features.ClassLabel(names=NAMES))
    assert label(classes, np.int64(0), NAMES) == 0
    assert [label(classes, np.int64(n), tuple(reversed(NAMES))) for n in (0, 1, -1)] == [1, 0, -1]
    with pytest.raises(ValueError, match=f"label {NAMES[1]!r} is none of {NAMES[0]!r}"):
        label(classes, np.int64(1), NAMES[:1])


def test_labels_that_are_too_many_or_unknown_are_told():
    with pytest.raises(ValueError, match=r"3 labels, but label\.many is 2: raise it"):
        Label("answer", many=2)(TEXTS, [b"yes"] * 3, NAMES)
    with pytest.raises(ValueError, match="label 'perhaps' is none of 'no', 'yes'"):
        Label("answer", many=2)(TEXTS, [b"perhaps"], NAMES)
    with pytest.raises(ValueError, match="many is 0"):
        Label("answer", many=0)


def test_a_name_that_stands_twice_and_several_values_are_no_class():
    with pytest.raises(ValueError, match="names has 'yes' twice; expected every class once"):
        Label("answer", ("yes", "no", "yes"))
    with pytest.raises(ValueError, match="label is 3 values; expected one class"):
        Label("answer").known(source(tfds.features.Tensor(shape=(3,), dtype=np.float32)), [np.zeros(3)])
