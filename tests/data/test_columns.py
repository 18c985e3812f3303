import shutil
from pathlib import Path

import numpy as np
import pytest

from mmjax.data import columns, prepared
from tests.data.conftest import draw, png, questions

FIELDS = {"image": "image", "question": "question", "answer": "answer", "group": "image_id"}


class Unread(list):
    """Rows that must not be read."""

    def __getitems__(self, places):
        raise AssertionError("the rows were read again")


@pytest.fixture
def opened(drawings, tmp_path):
    """The builder and training rows of a copy of the drawings, without any cache."""
    shutil.copytree(drawings, tmp_path, dirs_exist_ok=True)
    shutil.rmtree(tmp_path / "drawings/1.0.0" / columns.CACHE, ignore_errors=True)
    source = prepared.builder("drawings", str(tmp_path))
    return source, prepared.open_rows(source, "train", "image")


def test_texts_come_back_one_by_one():
    texts = ["", "short", "Größe 🙂", "", "last"]
    strings = columns.Strings.of(texts)
    assert list(strings) == texts and len(strings) == 5 and strings[2] == "Größe 🙂"
    with pytest.raises(IndexError):
        strings[5]
    assert list(columns.Strings.of([])) == []


def test_columns_are_those_of_the_rows(opened):
    found = columns.load(opened[0], "train", FIELDS, opened[1])
    truth = [(text, answer, number) for number in range(23) for text, answer in questions(number)]
    assert list(zip(found.texts["question"], found.texts["answer"], found.group.tolist(), strict=True)) == truth


def test_the_second_opening_reads_no_row(opened):
    source, rows = opened
    first = columns.load(source, "train", FIELDS, rows)
    second = columns.load(source, "train", FIELDS, Unread(range(len(rows))))
    assert list(second.texts["question"]) == list(first.texts["question"]) and (second.group == first.group).all()
    with pytest.raises(AssertionError, match="read again"):  # other fields are other columns
        columns.load(source, "train", FIELDS | {"question": "answer"}, Unread(range(len(rows))))


@pytest.mark.parametrize("damage", [b"", b"\x93NUMPY", None])
def test_a_broken_cache_is_made_anew(opened, damage):
    source, rows = opened
    first = list(columns.load(source, "train", FIELDS, rows).texts["question"])
    (path,) = Path(source.data_path, columns.CACHE).glob("*/question.npy")
    path.write_bytes(damage if damage is not None else path.read_bytes()[:-40])
    assert list(columns.load(source, "train", FIELDS, rows).texts["question"]) == first
    assert list(columns.load(source, "train", FIELDS, Unread(range(len(rows)))).texts["question"]) == first


def test_a_folder_that_cannot_be_written_costs_only_time(opened):
    source, rows = opened
    Path(source.data_path, columns.CACHE).write_text("a file where the cache should go")
    for _ in range(2):
        assert len(columns.load(source, "train", FIELDS, rows).texts["question"]) == len(rows)


def test_labels_are_read_by_name_and_nested_features_by_path(tfds_set, tmp_path):
    import tensorflow_datasets as tfds

    inner = {"name": tfds.features.Text(), "year": np.int64}
    features = {
        "image": tfds.features.Image(),
        "label": tfds.features.ClassLabel(names=["cat", "dog"]),
        "about": tfds.features.FeaturesDict(inner),
    }
    rows = [
        {"image": png(draw(0)), "label": row % 2, "about": {"name": f"n{row}", "year": 1990 + row}} for row in range(3)
    ]
    source = tfds_set(tmp_path, "labelled", features, {"train": rows})
    fields = {"image": "image", "question": "about/name", "answer": "label", "group": "about/year"}
    found = columns.load(source, "train", fields, prepared.open_rows(source, "train", "image"))
    assert list(found.texts["answer"]) == ["cat", "dog", "cat"] and list(found.texts["question"]) == ["n0", "n1", "n2"]
    assert found.group.tolist() == [0, 1, 2]
    years = columns.load(
        source, "train", fields | {"answer": "about/year"}, prepared.open_rows(source, "train", "image")
    )
    assert list(years.texts["answer"]) == ["1990", "1991", "1992"]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"answer": "reply"},
            r"the feature 'reply', but data set 'drawings' has answer, caption, image, image_id, question$",
        ),
        ({"image": "picture"}, r"data\.fields\.image names the feature 'picture'"),
        ({"question": "answer/first"}, r"data\.fields\.question names the feature 'answer/first'"),
        ({"answer": "image"}, r"data\.fields\.answer names the feature 'image', which is Image.*expected a text"),
    ],
)
def test_a_field_that_names_no_fitting_feature_is_told(opened, fields, message):
    with pytest.raises(ValueError, match=message):
        columns.read_by(opened[0], FIELDS | fields)


def test_words_labels_and_objects_are_lists(tfds_set, tmp_path):
    import tensorflow_datasets as tfds

    inner = {"bbox": tfds.features.BBoxFeature(), "label": tfds.features.ClassLabel(names=["cat", "dog"])}
    features = {
        "image": tfds.features.Image(),
        "objects": tfds.features.Sequence(inner),
        "words": tfds.features.Sequence(tfds.features.Text()),
    }
    boxes = [tfds.features.BBox(0.0, 0.25, 0.5, 1.0), tfds.features.BBox(0.25, 0.0, 0.75, 0.5)]
    rows = [
        {
            "image": png(draw(0)),
            "objects": [{"bbox": box, "label": number} for number, box in enumerate(boxes[:count])],
            "words": ["stop", "Größe"][:count],
        }
        for count in range(3)
    ]
    source = tfds_set(tmp_path, "detected", features, {"train": rows})
    fields = {"image": "image", "objects": "objects", "labels": "objects/label", "words": "words"}
    for _ in range(2):  # from the rows, then from the cache
        found = columns.load(source, "train", fields, prepared.open_rows(source, "train", "image"))
        assert found.row(0) == {"objects": [], "labels": [], "words": []}
        assert found.row(2)["labels"] == ["cat", "dog"] and found.row(2)["words"] == ["stop", "Größe"]
        assert found.row(2)["objects"] == [
            {"label": "cat", "box": [0.0, 0.25, 0.5, 1.0]},
            {"label": "dog", "box": [0.25, 0.0, 0.75, 0.5]},
        ]
    for wrong in ({"words": "objects"}, {"question": "words"}, {"objects": "words"}):
        with pytest.raises(ValueError, match=r"data\.fields\.\w+ names the feature '\w+', which is .*: expected a"):
            columns.read_by(source, wrong)


def test_a_list_of_captions_is_as_many_rows_which_know_the_row_with_their_picture(tfds_set, tmp_path):
    import tensorflow_datasets as tfds

    features = {"said": tfds.features.Sequence(tfds.features.Text()), "by": tfds.features.Text()}
    rows = [{"said": ["a", "b", "c"][:count], "by": f"{count}"} for count in (2, 0, 3)]
    source = tfds_set(tmp_path, "told", features, {"train": rows})
    fields = {"caption": "said", "question": "by"}
    found = columns.load(source, "train", fields, prepared.open_rows(source, "train", "image")).spread("caption")
    wanted = [("a", "2", 0), ("b", "2", 0), ("a", "3", 2), ("b", "3", 2), ("c", "3", 2)]
    assert [(*found.row(n).values(), found.shown(n)) for n in range(5)] == wanted
    assert list(found.row(0)) == ["caption", "question"] and found.group.tolist() == [0, 0, 2, 2, 2]
