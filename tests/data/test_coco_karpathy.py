"""COCO in Karpathy's splits, from a folder in the published layout: rows, how they are read, and what is told."""

import json

import pytest

from mmjax.data import images, prepared
from mmjax.data.hide_words import HideWords
from mmjax.data.pictures import Pictures
from mmjax.data.prompts.caption import Caption
from mmjax.data.words import Words
from tests import coco_karpathy
from tests.coco_karpathy import captions

NAME = "coco_karpathy"


def rows(data, split):
    return prepared.open_rows(prepared.builder(NAME, str(data)), split, "image")


def test_a_row_is_a_picture_with_all_its_captions_and_the_rest_of_validation_is_trained_on(tmp_path):
    found = prepared.prepare(NAME, str(tmp_path / "data"), coco_karpathy.coco(tmp_path / "brought"))
    assert found["splits"] == {"train": 6, "val": 3, "test": 3}
    for split, numbers in (("train", (0, 1, 4, 5, 8, 9)), ("val", (2, 6, 10)), ("test", (3, 7, 11))):
        for row, number in zip(rows(tmp_path / "data", split), numbers, strict=True):
            assert images.decode(row["image"]).shape == (12, 16 + number, 3)
            assert [text.decode() for text in row["captions"]] == [text.strip() for text in captions(number)]
            assert row["image_id"] == number + 7


def test_a_picture_is_shown_with_all_its_captions_in_evaluation_and_with_some_in_training(tmp_path):
    prepared.prepare(NAME, str(tmp_path / "data"), coco_karpathy.coco(tmp_path / "brought"))
    config = Pictures(
        NAME,
        fields={"image": "image", "caption": "captions"},
        prompt=Caption(""),
        tokenizer=Words(32, sentinels=1),
        size=16,
        batch=3,
        questions=3,
        drawn=1,
        hide=HideWords(0.5),
        text_length=1,
        target_length=6,
        threads=0,
        data_dir=str(tmp_path / "data"),
    )
    feed = config.open(tmp_path / "run")
    (batch,) = list(feed.split())
    said = [[feed.vocabulary.decode(target) for target in one if target.any()] for one in batch["target"]]
    wanted = [[text.strip().lower().replace(".", " .") for text in captions(number)] for number in (3, 7, 11)]
    assert said == wanted and feed.examples() == 3
    assert "target_seen" not in batch
    assert batch["text"][batch["text_mask"]].tolist() == [feed.vocabulary.bos] * sum(map(len, wanted))
    batches = feed.train(0)
    assert {len(next(batches)["target"][0]) for _ in range(4)} == {1}
    assert {name: rows.shape for name, rows in next(batches).items()} == {
        name: rows.shape for name, rows in config.blank().items()
    }
    seen = {feed.vocabulary.decode(one[0]) for _ in range(20) for one in next(batches)["target"]}
    assert seen == {text.strip().lower().replace(".", " .") for n in (0, 1, 4, 5, 8, 9) for text in captions(n)}


def changed(change):
    """The file after `change` of its second image."""

    def spoil(path):
        listed = json.loads(path.read_text())
        change(listed["images"][1])
        path.write_text(json.dumps(listed))

    return spoil


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda path: path.unlink(), r"dataset_coco\.json: no such file; it is in caption_datasets\.zip"),
        (lambda path: path.write_text("{"), r"dataset_coco\.json: not JSON \(.*\); expected the file of caption_data"),
        (lambda path: path.write_text('{"annotations": []}'), r'dataset_coco\.json: no list "images" in it'),
        (changed(lambda one: one.pop("filepath")), r"image 1: KeyError 'filepath'; expected filepath, filename, cocoi"),
        (changed(lambda one: one.update(split="dev")), r"image 1: KeyError 'dev'; .* a split of train, restval, val"),
        (changed(lambda one: one.update(sentences=["a cat"])), r"image 1: TypeError .*, and sentences with raw"),
        (changed(lambda one: one.update(sentences=[])), r"image 1: COCO_val2014_0+8\.jpg has no caption; expected one"),
        (
            changed(lambda one: one.update(cocoid=10**30)),
            r"image 1: OverflowError .*; expected filepath, filename, coco",
        ),
        (changed(lambda one: one.update(cocoid=7)), r"image 1: cocoid 7 again; expected each picture once"),
        (
            lambda path: (path.parent / "val2014/COCO_val2014_000000000008.jpg").write_bytes(b""),
            r"COCO_val2014_000000000008\.jpg: not a readable picture",
        ),
        (
            lambda path: (path.parent / "val2014/COCO_val2014_000000000008.jpg").unlink(),
            r"COCO_val2014_000000000008\.jpg: no such picture, but dataset_coco\.json names it: bring all of val2014",
        ),
    ],
)
def test_what_is_not_as_published_is_told_in_one_line_and_nothing_is_prepared(tmp_path, spoil, told):
    root = coco_karpathy.coco(tmp_path / "brought", each=1)
    spoil(root / "dataset_coco.json")
    with pytest.raises((ValueError, FileNotFoundError), match=told) as error:
        prepared.prepare(NAME, str(tmp_path / "data"), root)
    assert "\n" not in str(error.value)
    assert prepared.built(str(tmp_path / "data")) == []


def test_no_folder_is_told_with_what_to_bring(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"bring a folder with dataset_coco\.json of https://.*FOLDER"):
        prepared.prepare(NAME, str(tmp_path / "data"))
