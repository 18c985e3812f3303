"""VQAv2 from a small folder in the published layout: rows, splits, answers, and what is wrong with a folder."""

import json

import numpy as np
import pytest

from mmjax.data import prepared
from mmjax.data.vqav2 import vqav2_dataset_builder
from mmjax.data.vqav2.normal import normal
from tests import vqa


@pytest.fixture(autouse=True)
def few(monkeypatch):
    """One picture of val is held out in place of a thousand."""
    monkeypatch.setattr(vqav2_dataset_builder, "HELD", 1)


def rows(split, data):
    return prepared.peek("vqav2", split, 99, str(data))


@pytest.mark.parametrize("inner", ["", "vqa"])
def test_questions_stand_with_their_picture_and_the_answers_of_ten_people(inner, tmp_path):
    found = prepared.prepare("vqav2", str(tmp_path / "data"), vqa.write(tmp_path / "brought", inner, test=True))
    (held,) = vqav2_dataset_builder.held_out([42, 73])
    assert found["splits"] == {"train": 3, "held": 1, "test": 1}
    told = prepared.builder("vqav2", str(tmp_path / "data"))
    of_held = len(vqa.ASKED["val2014"][held])
    assert sum(prepared.counts(told, "train")) == 6 - of_held and list(prepared.counts(told, "held")) == [of_held]
    assert list(prepared.counts(told, "train[:1]")) == [2] and list(prepared.counts(told, "test")) == [2]
    assert {row["image_id"] for row in rows("held", tmp_path / "data")} == {held}
    assert not [one for row in rows("test", tmp_path / "data") for one in row["answers"]]
    asked, seen = vqa.ASKED["train2014"] | vqa.ASKED["val2014"], []
    for row in [row for split in ("train", "held") for row in rows(split, tmp_path / "data")]:
        questions, answers = zip(*asked[row["image_id"]], strict=True)
        assert row["questions"] == list(questions) and row["answers"] == [normal(one) for ten in answers for one in ten]
        assert row["question_ids"] == [1000 * row["image_id"] + number for number in range(len(questions))]
        np.testing.assert_allclose(row["image"][3, 3], vqa.shade(row["image_id"]), atol=4)
        seen.append(row["image_id"])
    assert sorted(seen) == [9, 25, 42, 73] and seen[:2] == [9, 25]


def test_answers_are_counted_over_train_and_val_in_the_order_of_the_files(tmp_path):
    prepared.prepare("vqav2", str(tmp_path / "data"), vqa.write(tmp_path / "brought"))
    told = prepared.builder("vqav2", str(tmp_path / "data")).info.metadata["answers"]
    assert told == [[answer, times] for answer, times in vqa.TIMES.items()]


def test_which_pictures_are_held_out_does_not_depend_on_the_others(monkeypatch):
    monkeypatch.setattr(vqav2_dataset_builder, "HELD", 1000)
    held = vqav2_dataset_builder.held_out(range(40_000))
    assert len(held) == 1000 and 300 < len([one for one in held if one < 20_000]) < 700
    assert held & set(range(20_000)) <= vqav2_dataset_builder.held_out(range(20_000))


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("The  Cat.", "cat"),
        ("two", "2"),
        ("none", "0"),
        ("an apple, a pear", "apple pear"),
        ("1,000 people", "1000 people"),
        ("black/white", "black white"),
        ("t-shirt", "t shirt"),
        ("t -shirt", "t shirt"),
        ("what?", "what"),
        ("2.5", "2.5"),
        ("p.m.", "pm"),
        ("dont know", "don't know"),
        ("don't", "don't"),
        ("theyre hes", "they're he's"),
        ("6 oclock", "6 o'clock"),
        ("he\tsaid\nyes", "he said yes"),
        ("a", ""),
    ],
)
def test_answers_are_compared_by_their_words(answer, expected):
    assert normal(answer) == expected and normal(expected) == expected


QUESTIONS, ANNOTATIONS = "v2_OpenEnded_mscoco_val2014_questions.json", "v2_mscoco_val2014_annotations.json"


def changed(name, change):
    def spoil(root):
        content = json.loads((root / name).read_text())
        (root / name).write_text(json.dumps(change(content)))

    return spoil


def without(key, number):
    """The list `key` without one of its entries."""
    return lambda content: content | {key: content[key][:number] + content[key][number + 1 :]}


def with_entry(key, entry):
    return lambda content: content | {key: [*content[key], entry]}


WRONG = {
    "no json": (lambda root: (root / QUESTIONS).write_text("{"), rf"{QUESTIONS}: not JSON \(.*expected the published"),
    "another layout": (changed(QUESTIONS, lambda content: content["questions"]), "no list 'questions' in it; expected"),
    "annotations for questions": (changed(ANNOTATIONS, lambda content: {"questions": [1]}), "no list 'annotations' in"),
    "no text": (
        changed(QUESTIONS, with_entry("questions", {"question_id": 5, "image_id": 42})),
        r"questions\[3\] has no text 'question'; expected question_id, image_id, question",
    ),
    "no object": (changed(ANNOTATIONS, with_entry("annotations", 3)), r"annotations\[3\] has no number 'question_id'"),
    "twice": (
        changed(QUESTIONS, lambda content: content | {"questions": content["questions"] * 2}),
        r"questions\[3\] is question 42000 again",
    ),
    "no annotation": (
        changed(ANNOTATIONS, without("annotations", 1)),
        rf"{ANNOTATIONS}: no annotation of 42001, which {QUESTIONS} has; bring both files of one split",
    ),
    "no question": (
        changed(QUESTIONS, without("questions", 2)),
        rf"{QUESTIONS}: no such question as 73000, which {ANNOTATIONS} has",
    ),
    "no answers": (
        changed(
            ANNOTATIONS,
            lambda content: content | {"annotations": [one | {"answers": []} for one in content["annotations"]]},
        ),
        "the annotation of 42000 has 0 answers; expected 10",
    ),
    "another picture": (
        changed(
            ANNOTATIONS,
            lambda content: content | {"annotations": [one | {"image_id": 9} for one in content["annotations"]]},
        ),
        r"annotation of 42000 is about picture 9, and .*questions\.json about 42; bring both files",
    ),
    "an empty picture": (
        lambda root: (root / "train2014/COCO_train2014_000000000009.jpg").write_bytes(b""),
        r"COCO_train2014_000000000009\.jpg: not a readable picture",
    ),
    "no picture": (
        lambda root: (root / "val2014/COCO_val2014_000000000073.jpg").unlink(),
        rf"COCO_val2014_000000000073\.jpg: no such photograph, but {QUESTIONS} asks about it; bring all of val2014",
    ),
    "no file": (lambda root: (root / ANNOTATIONS).unlink(), rf"no {ANNOTATIONS} in it or in its vqa"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_folder_of_another_layout_is_one_line_and_nothing_is_prepared(name, tmp_path):
    change, told = WRONG[name]
    change(vqa.write(tmp_path / "brought"))
    with pytest.raises((ValueError, FileNotFoundError), match=told) as error:
        prepared.prepare("vqav2", str(tmp_path / "data"), tmp_path / "brought")
    assert str(tmp_path / "brought") in str(error.value) and "\n" not in str(error.value)
    assert prepared.built(str(tmp_path / "data")) == []
