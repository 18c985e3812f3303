"""NLVR and NLVR2 from small folders in the published layouts: rows, splits, kinds, and what is wrong with a folder."""

import json
import shutil

import pytest

from mmjax.data import images, prepared
from mmjax.data.nlvr.kinds import KINDS, kind
from mmjax.data.nlvr.lines import held_out
from tests import nlvr

KEYS = ("directory", "identifier", "image", "kind", "label", "permutation", "sentence")


def rows(name: str, split: str, data) -> list[dict]:
    source = prepared.builder(name, str(data))
    return prepared.peek(name, split, source.info.splits[split].num_examples, str(data))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A prepared miniature, and what was said of it."""
    data = tmp_path_factory.mktemp("data")
    return data, prepared.prepare("nlvr", str(data), nlvr.nlvr(tmp_path_factory.mktemp("brought")))


def test_training_folders_are_in_train_or_held_with_all_six_orders_of_each_example(made):
    data, found = made
    assert found["splits"]["train"] + found["splits"]["held"] == 40 * 6 and found["splits"]["dev"] == 2 * 6
    train, held = (rows("nlvr", split, data) for split in ("train", "held"))
    assert not {row["directory"] for row in train} & {row["directory"] for row in held}
    for split in (train, held):
        for start in range(0, len(split), 6):
            six = split[start : start + 6]
            assert [row["permutation"] for row in six] == list(range(6))
            assert len({(row["identifier"], row["sentence"], row["label"]) for row in six}) == 1


def test_about_a_tenth_of_a_thousand_folders_is_held_out():
    held = sum(held_out(f"nlvr {number}", 10) for number in range(1_000))
    assert 70 < held < 130


def test_a_row_has_the_picture_that_belongs_to_it_and_the_label_as_a_word(made):
    data, _ = made
    for row in rows("nlvr", "train", data) + rows("nlvr", "held", data):
        number = 2 * int(row["directory"]) + int(row["identifier"][-1])
        assert sorted(row) == sorted(KEYS)
        assert row["image"].shape == (100, 400, 3)
        assert row["image"][50, [50, 120, 200, 350], 0].tolist() == [number, 128, 10 * row["permutation"], 211]
        assert row["label"] == (number + 1) % 2  # "false", "true"
        assert row["sentence"] == f"There is a box with {number} blue items."


@pytest.mark.parametrize("inner", ["nlvr", "."])
def test_the_folder_itself_its_parent_and_a_zip_file_are_the_same(tmp_path, made, inner):
    nlvr.nlvr(tmp_path / "brought")
    source = tmp_path / "brought" / inner
    zipped = shutil.make_archive(str(tmp_path / "packed"), "zip", source)
    for name, given in (("a", source), ("b", zipped)):
        assert prepared.prepare("nlvr", str(tmp_path / name), given)["splits"] == made[1]["splits"]


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("There is a black square closely touching the bottom of a box.", "touching"),
        ("There is exactly one yellow block on a black block.", "above"),
        ("There are two towers with a blue block at the base", "level"),
        ("There is a box with 3 items of different color.", "alike"),
        ("There is a box with only yellow squares.", "only"),
        ("There are exactly 2 blue items", "count"),
        ("There is a box with a black square and a blue triangle.", "exists"),
    ],
)
def test_a_sentence_is_of_the_kind_that_its_words_tell(sentence, expected):
    assert kind(sentence) == kind(sentence.upper()) == expected and expected in KINDS


def spoil(path, change):
    """Changes the third line of a file."""
    lines = path.read_text().splitlines()
    lines[2] = change(json.loads(lines[2]))
    path.write_text("\n".join(lines))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda row: json.dumps(row | {"label": "maybe"}), r"line 3: the label is 'maybe'; expected 'true' or 'false'"),
        (lambda row: json.dumps({"sentence": "x", "label": "true"}), r"line 3: no text 'identifier'; expected an obj"),
        (lambda row: json.dumps([row]), r"line 3: no text 'sentence'; expected an object with sentence, label, ident"),
        (lambda row: json.dumps(row | {"identifier": "0-0"}), r"line 3: the identifier is '0-0' again; expected each"),
        (lambda row: "{", r"line 3: not JSON; expected one example a line"),
        (lambda row: json.dumps(row | {"directory": "77"}), r"77/train-1-0-0\.png: no such picture, but train\.json n"),
    ],
)
def test_a_file_that_is_not_as_published_is_told_by_line_and_nothing_is_prepared(tmp_path, change, told):
    root = nlvr.nlvr(tmp_path / "brought", train=4)
    spoil(root / "nlvr/train/train.json", change)
    with pytest.raises((ValueError, FileNotFoundError), match=told) as error:
        prepared.prepare("nlvr", str(tmp_path / "data"), root)
    assert str(root / "nlvr/train") in str(error.value) and "\n" not in str(error.value)
    assert prepared.built(str(tmp_path / "data")) == []


def test_a_folder_without_the_layout_and_an_empty_file_are_told(tmp_path):
    root = nlvr.nlvr(tmp_path / "brought", train=2)
    with pytest.raises(FileNotFoundError, match=r"images: no train/train\.json and dev/dev\.json in it or in its nlvr"):
        prepared.prepare("nlvr", str(tmp_path / "data"), root / "nlvr/train/images")
    (root / "nlvr/dev/dev.json").write_text("\n")
    with pytest.raises(ValueError, match=r"dev\.json: no example in it"):
        prepared.prepare("nlvr", str(tmp_path / "data"), root)


def test_of_nlvr2_both_photographs_of_each_pair_are_found_with_and_without_a_directory(tmp_path):
    found = prepared.prepare("nlvr2", str(tmp_path / "data"), nlvr.nlvr2(tmp_path / "brought"))
    assert found["splits"] == {"train": 4, "dev": 2}
    for split, count in found["splits"].items():
        for number, row in enumerate(rows("nlvr2", split, tmp_path / "data")):
            left, right = map(images.decode, row["image"])
            assert left.shape == (4, 6, 3) and left[0, 0].tolist() == [10 * number, 0, 7]
            assert right.shape == (4, 7, 3) and right[0, 0].tolist() == [10 * number, 100, 7]
            assert row["label"] == (number + 1) % 2 and row["group"] == row["sentence"]
            assert row["identifier"] == f"{split}-{number // 2}-{number % 2}-{number % 2}" and number < count


def test_of_nlvr2_files_may_lie_flat_and_what_is_missing_is_named(tmp_path):
    root = nlvr.nlvr2(tmp_path / "brought")
    for path in (root / "data").iterdir():
        path.rename(root / path.name)
    (root / "images/dev").rename(root / "dev")
    assert prepared.prepare("nlvr2", str(tmp_path / "data"), root)["splits"] == {"train": 4, "dev": 2}
    (root / "dev/dev-0-1-img1.png").unlink()
    with pytest.raises(FileNotFoundError, match=r"dev-0-1-img0\.png or -img1\.png: no such photograph, but dev\.json"):
        prepared.prepare("nlvr2", str(tmp_path / "other"), root)
    with pytest.raises(FileNotFoundError, match=r"images: none of train\.json, dev\.json, test1\.json in it"):
        prepared.prepare("nlvr2", str(tmp_path / "other"), root / "images")


def test_the_file_of_one_set_is_told_where_the_other_is_wanted(tmp_path):
    brought = nlvr.nlvr2(tmp_path / "two")
    for split in ("train", "dev"):
        (brought / split).mkdir(exist_ok=True)
        shutil.copy(brought / f"data/{split}.json", brought / split)
    with pytest.raises((ValueError, FileNotFoundError), match=r"train\.json|train-0-0-0"):
        prepared.prepare("nlvr", str(tmp_path / "data"), brought)
