import hashlib
import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmjax.data import prepared
from mmjax.data.easyvqa import easyvqa_dataset_builder

READER = """
import sys
import tensorflow_datasets as tfds
rows = tfds.data_source("easyvqa", split="test", data_dir=sys.argv[1])
row = rows[9672]
print(len(rows), row["question"].decode(), row["answer"].decode(), int(row["image_id"]), row["image"].shape)
print([name for name in ("tensorflow", "apache_beam", "jax", "mmjax") if name in sys.modules])
"""


@pytest.fixture(scope="module")
def splits(easyvqa) -> dict[str, list[dict]]:
    """All rows of easy-VQA as they were prepared."""
    source = prepared.builder("easyvqa", str(easyvqa))
    opened = {split: prepared.open_rows(source, split, "image") for split in ("train", "test")}
    return {split: rows.__getitems__(range(len(rows))) for split, rows in opened.items()}


@pytest.mark.parametrize(("split", "rows", "pictures"), [("train", 38_575, 4_000), ("test", 9_673, 1_000)])
def test_easy_vqa_is_the_wheels_files_row_by_row(splits, split, rows, pictures):
    folder = Path(importlib.util.find_spec("easy_vqa").submodule_search_locations[0]) / "data" / split
    truth = json.loads((folder / "questions.json").read_text())
    found = splits[split]
    read = [(row["question"].decode(), row["answer"].decode(), int(row["image_id"])) for row in found]
    assert read == [tuple(row) for row in truth] and len(read) == rows
    assert len({number for *_, number in read}) == pictures
    for place in (0, rows // 2, rows - 1):
        pixels = np.asarray(Image.open(folder / "images" / f"{truth[place][2]}.png").convert("RGB"))
        np.testing.assert_array_equal(prepared.readable(found[place]["image"], "row", True), pixels)


def test_no_picture_is_in_both_splits_of_easy_vqa(splits):
    train, test = ({hashlib.sha256(row["image"]).digest() for row in splits[split]} for split in ("train", "test"))
    assert len(test) > 900 and not train & test


def test_a_fresh_process_reads_the_prepared_set_by_name_with_tfds_alone(easyvqa):
    done = subprocess.run([sys.executable, "-c", READER, easyvqa], capture_output=True, text=True, check=True)
    last = importlib.util.find_spec("easy_vqa").submodule_search_locations[0] + "/data/test/questions.json"
    question, answer, number = json.loads(Path(last).read_text())[-1]
    assert done.stdout.splitlines() == [f"9673 {question} {answer} {number} (64, 64, 3)", "[]"]


def test_preparing_says_nothing_on_standard_output_and_works_once(easyvqa, capfd):
    summary = prepared.prepare("easyvqa", str(easyvqa))
    files = {path: path.stat().st_mtime_ns for path in Path(summary["folder"]).iterdir()}
    assert prepared.prepare("easyvqa", str(easyvqa)) == summary
    assert {path: path.stat().st_mtime_ns for path in Path(summary["folder"]).iterdir()} == files
    assert (summary["name"], summary["version"]) == ("easyvqa", "1.1.0")
    assert summary["splits"] == {"train": 38_575, "test": 9_673}
    assert capfd.readouterr().out == ""


def test_the_folder_is_the_argument_or_the_environments_or_the_homes(monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", "/somewhere")
    assert prepared.root("here") == Path("here")
    assert prepared.root() == Path("/somewhere")
    monkeypatch.delenv("TFDS_DATA_DIR")
    assert prepared.root() == Path.home() / "tensorflow_datasets"


def test_prepared_sets_are_listed_and_half_prepared_ones_are_not(drawings, tmp_path):
    assert prepared.built(str(tmp_path / "nothing here")) == []
    train, test = (sum(1 + number * 5 % 11 for number in numbers) for numbers in (range(23), range(23, 30)))
    rows = {"train": train, "test": test}
    assert prepared.built(drawings) == [("drawings", "1.0.0", rows, train + test)]
    shutil.copytree(Path(drawings) / "drawings/1.0.0", tmp_path / "drawings/incomplete.ABC_1.0.0")
    assert prepared.built(str(tmp_path)) == []


def test_peek_shows_rows_as_python_values(drawings):
    rows = prepared.peek("drawings", "train", 2, drawings)
    assert [row["question"] for row in rows] == ["picture 0 question 0", "picture 1 question 0"]
    assert rows[1]["answer"] == "green 0" and rows[1]["image_id"] == 1
    assert rows[0]["image"].shape == (16, 16, 3) and rows[0]["image"].dtype == np.uint8
    assert len(prepared.peek("drawings", "test", 10_000, drawings)) == prepared.built(drawings)[0][2]["test"]


def test_an_absent_data_set_is_told_with_what_is_there_and_what_to_do(drawings):
    with pytest.raises(FileNotFoundError) as error:
        prepared.peek("drawing", "train", 1, drawings)
    assert str(error.value) == (
        f"data set 'drawing' is not prepared in {drawings} (there: drawings): run `mmjax data build drawing`, "
        "or `mmjax data build --source=FILE.jsonl --name=drawing` for data of your own"
    )


def test_a_known_data_set_that_is_not_prepared_is_absent_too(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"'mnist' is not prepared in .* \(there: none\)"):
        prepared.builder("mnist", str(tmp_path))


@pytest.mark.parametrize("split", ["tset", "tset[:50]", "train+tset"])
def test_an_absent_split_is_told_with_those_that_are_there(drawings, split):
    with pytest.raises(ValueError, match=r"'drawings' has no split .*: it has (train, test|test, train) \(and slices"):
        prepared.peek("drawings", split, 1, drawings)


@pytest.mark.parametrize("split", ["train[:0]", "train[5:2]"])
def test_a_slice_that_holds_no_row_is_told(drawings, split):
    with pytest.raises(ValueError, match=r"'drawings': 'train\[.*' holds no row, or is no slice such as train\[:90%\]"):
        prepared.peek("drawings", split, 1, drawings)


def test_an_unknown_name_is_told_with_the_nearest_one(tmp_path):
    with pytest.raises(ValueError, match="no data set is called 'easyvqq', did you mean 'easyvqa'"):
        prepared.prepare("easyvqq", str(tmp_path))


def test_files_without_random_access_are_told(drawings, tmp_path):
    shutil.copytree(drawings, tmp_path, dirs_exist_ok=True)
    path = tmp_path / "drawings/1.0.0/dataset_info.json"
    path.write_text(path.read_text().replace('"array_record"', '"tfrecord"'))
    with pytest.raises(ValueError, match=r"'drawings' is stored as tfrecord in .*no random access"):
        prepared.peek("drawings", "train", 1, str(tmp_path))


def test_a_missing_wheel_is_told_with_the_command_that_installs_it(monkeypatch, tmp_path):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(FileNotFoundError, match="data of the package easy_vqa is absent: pip install easy-vqa"):
        prepared.prepare("easyvqa", str(tmp_path))
    assert not [path for path in tmp_path.rglob("*") if path.name != tmp_path.name]
    assert prepared.built(str(tmp_path)) == []


def test_captions_of_easy_vqa_agree_with_all_questions_about_the_picture(splits):
    told = {}
    for row in splits["test"]:
        text = row["caption"].decode()
        assert told.setdefault(int(row["image_id"]), text) == text
        _, *colour, shape = text.split()
        answer = row["answer"].decode()
        if answer in easyvqa_dataset_builder.SHAPES:
            assert shape == answer
        if answer in easyvqa_dataset_builder.COLOURS:
            assert colour == [answer]
    whole = sum(len(text.split()) == 3 and not text.endswith("shape") for text in told.values())
    assert len(told) == 1000 and whole > 850


@pytest.mark.parametrize(
    ("asked", "caption"),
    [
        ([("is there a circle?", "yes"), ("is no teal shape present?", "no")], "a teal circle"),
        ([("is there a circle?", "no"), ("is there not a red shape?", "yes")], "a shape"),
        ([("what is the gray shape?", "triangle")], "a gray triangle"),
        ([("what color is the rectangle?", "black")], "a black rectangle"),
        ([("what color is the shape?", "brown")], "a brown shape"),
    ],
)
def test_a_caption_says_what_questions_and_answers_do(asked, caption):
    assert easyvqa_dataset_builder.caption(asked) == caption
