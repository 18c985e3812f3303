"""Fashion-MNIST from small files in the published idx format, and what is wrong with files that are none."""

import gzip
import shutil

import numpy as np
import pytest

from mmjax.data import prepared
from mmjax.data.fashion.fashion_dataset_builder import NAMES
from tests import classes


@pytest.mark.parametrize("packed", [True, False], ids=["gzip", "plain"])
def test_pictures_and_labels_of_both_splits_are_those_of_the_files(packed, tmp_path):
    told = classes.fashion(tmp_path / "brought", packed=packed)
    found = prepared.prepare("fashion", str(tmp_path / "data"), tmp_path / "brought")
    assert found["splits"] == {"train": 40, "test": 20}
    for split, (pictures, labels) in told.items():
        rows = prepared.peek("fashion", split, 99, str(tmp_path / "data"))
        assert [row["label"] for row in rows] == labels.tolist()
        assert [row["name"] for row in rows] == [NAMES[label] for label in labels]
        for row, picture in zip(rows, pictures, strict=True):
            np.testing.assert_array_equal(row["image"], np.repeat(picture[..., None], 3, axis=-1))


def test_files_are_found_where_a_package_was_unpacked(tmp_path):
    classes.fashion(tmp_path / "deb/usr/share/datasets/fashion-mnist")
    assert prepared.prepare("fashion", str(tmp_path / "data"), tmp_path / "deb")["splits"]["train"] == 40


def cut(path):
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes())[:-1]))


WRONG = {
    "missing": (lambda path: path.unlink(), r"no train-images-idx3-ubyte\.gz in it; expected the four published files"),
    "of another kind": (
        lambda path: shutil.copy(path.with_name("train-labels-idx1-ubyte.gz"), path),
        r"train-images-idx3-ubyte\.gz: its magic number is 00000801; expected 00000803",
    ),
    "empty": (lambda path: path.write_bytes(b""), r"its magic number is missing; expected 00000803"),
    "cut off": (cut, r"31,359 bytes of values, but it says 40 x 28 x 28; it is no whole file"),
    "damaged": (lambda path: path.write_bytes(path.read_bytes()[:90]), r"it cannot be read, or unpacked \("),
    "of the other split": (
        lambda path: shutil.copy(path.with_name("t10k-images-idx3-ubyte.gz"), path),
        r"train-images-idx3-ubyte\.gz has 20 pictures, but train-labels-idx1-ubyte\.gz 40 labels",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_file_that_is_not_as_published_is_one_line_and_nothing_is_prepared(name, tmp_path):
    change, told = WRONG[name]
    classes.fashion(tmp_path / "brought")
    change(tmp_path / "brought/train-images-idx3-ubyte.gz")
    with pytest.raises((ValueError, FileNotFoundError), match=told) as error:
        prepared.prepare("fashion", str(tmp_path / "data"), tmp_path / "brought")
    assert str(tmp_path / "brought") in str(error.value) and "\n" not in str(error.value)
    assert prepared.built(str(tmp_path / "data")) == []


def test_a_label_that_is_no_class_is_told(tmp_path):
    classes.fashion(tmp_path / "brought")
    path = tmp_path / "brought/t10k-labels-idx1-ubyte.gz"
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes())[:-1] + b"\x0a"))
    with pytest.raises(ValueError, match=r"t10k-labels-idx1-ubyte\.gz: label 10; expected numbers from 0 to 9"):
        prepared.prepare("fashion", str(tmp_path / "data"), tmp_path / "brought")
