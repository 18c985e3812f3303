"""Pictures in folders by their classes, as of ImageNet in small, and what is wrong with such a folder."""

import shutil

import numpy as np
import pytest
from PIL import Image

from mmjax.data import prepared
from mmjax.data.label import Label
from mmjax.data.modality.picture import Picture
from mmjax.data.rows import Rows
from tests import classes

WORDS = {"n01": "tench", "n02": "great white shark", "n10": "hen"}


@pytest.fixture
def brought(tmp_path):
    return classes.imagenet(tmp_path / "brought", list(WORDS))


def test_every_picture_stands_in_its_split_with_its_folders_name(brought, tmp_path):
    found = prepared.prepare("imagenet", str(tmp_path / "data"), brought)
    assert found["splits"] == {"train": 9, "val": 3}
    for split, count in (("train", 3), ("val", 1)):
        rows = prepared.peek("imagenet", split, 99, str(tmp_path / "data"))
        assert [row["label"] for row in rows] == [label for label in WORDS for _ in range(count)]
        assert [row["name"] for row in rows] == [row["label"] for row in rows]
        for number, row in enumerate(rows):
            expected = classes.shade(number // count, number % count, split)
            np.testing.assert_allclose(row["image"][4, 4], expected, atol=3)  # it is a JPEG


def test_classes_are_the_sorted_folders_and_may_be_told_in_words(brought, tmp_path):
    lines = [f"{label} {words}, Other words of it\n" for label, words in WORDS.items()]
    (brought / "LOC_synset_mapping.txt").write_text("".join(lines) + "n99 never seen\n")
    prepared.prepare("imagenet", str(tmp_path / "data"), brought)
    rows = prepared.peek("imagenet", "train", 99, str(tmp_path / "data"))
    assert [row["name"] for row in rows[::3]] == list(WORDS.values())
    config = Rows(
        "imagenet", {"image": Picture("image", 8)}, Label("label"), test="val", data_dir=str(tmp_path / "data")
    )
    feed = config.open(tmp_path / "run")
    told = feed.config.label.known(feed.source, ())  # without reading a row
    assert feed.vocabulary.labels == tuple(told) == tuple(sorted(WORDS))
    assert feed.take([0, 1, 2], "val")["label"][:3].tolist() == [0, 1, 2]


def test_what_a_system_leaves_in_folders_is_no_class_and_no_picture(brought, tmp_path):
    (brought / "train/.ipynb_checkpoints").mkdir()
    (brought / "train/n01/._0.JPEG").write_bytes(b"Mac OS X")
    assert prepared.prepare("imagenet", str(tmp_path / "data"), brought)["splits"] == {"train": 9, "val": 3}


WRONG = {
    "no UTF-8": (
        lambda root: (root / "LOC_synset_mapping.txt").write_bytes(b"n01 caf\xe9"),
        "LOC_synset_mapping.txt is no UTF-8 text: unexpected end of data at byte 7",
    ),
    "no train": (lambda root: shutil.rmtree(root / "train"), "no folder train in it; expected train/CLASS/PICTURE and"),
    "no val": (lambda root: shutil.rmtree(root / "val"), "no folder val in it; expected train/CLASS/PICTURE"),
    "another class": (lambda root: (root / "val/n02").rename(root / "val/n03"), "val/n03: train has no class 'n03'"),
    "an empty class": (
        lambda root: [path.unlink() for path in (root / "train/n02").iterdir()],
        r"train/n02: no picture in it \(\.jpeg",
    ),
    "no classes": (
        lambda root: [shutil.rmtree(path) for path in (root / "train").iterdir()],
        "train: no folder of a class in it",
    ),
    "nothing in val": (
        lambda root: [path.unlink() for path in (root / "val").glob("*/*")],
        "val: no picture in its folders",
    ),
    "no picture": (
        lambda root: (root / "val/n10/0.JPEG").write_bytes(b"no picture"),
        r"val/n10/0\.JPEG: not a readable picture",
    ),
    "half a picture": (
        lambda root: (root / "train/n01/1.JPEG").write_bytes((root / "train/n01/1.JPEG").read_bytes()[:-200]),
        r"train/n01/1\.JPEG: not a readable picture",
    ),
    "no words": (
        lambda root: (root / "LOC_synset_mapping.txt").write_text("n01 tench\nn10 hen\n"),
        r"LOC_synset_mapping\.txt: no line for the class 'n02'",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_folder_of_another_layout_is_one_line_and_nothing_is_prepared(name, brought, tmp_path):
    change, told = WRONG[name]
    change(brought)
    with pytest.raises((ValueError, FileNotFoundError), match=told) as error:
        prepared.prepare("imagenet", str(tmp_path / "data"), brought)
    assert str(brought) in str(error.value) and "\n" not in str(error.value)
    assert prepared.built(str(tmp_path / "data")) == []


def test_other_files_beside_the_pictures_and_pngs_called_jpeg_are_no_trouble(brought, tmp_path):
    (brought / "train/n01/.DS_Store").write_bytes(b"x")
    (brought / "train/readme.txt").write_text("x")
    Image.new("RGBA", (4, 4), (9, 9, 9, 255)).save(brought / "train/n01/3.JPEG", "PNG")
    assert prepared.prepare("imagenet", str(tmp_path / "data"), brought)["splits"]["train"] == 10
