"""Data sets whose files the user brings: the folder reaches the builder, and what is wrong with it is one line."""

import sys
import types
import zipfile

import numpy as np
import pytest
import tensorflow_datasets as tfds

from mmjax.data import prepared

WANTED = """save numbers.txt
    from example.org."""


class Brought(tfds.core.GeneratorBasedBuilder, skip_registration=True):
    """Numbers of a file in the user's folder."""

    VERSION = tfds.core.Version("1.0.0")
    MANUAL_DOWNLOAD_INSTRUCTIONS = WANTED
    name = "brought"

    def _info(self):
        return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict({"number": np.int64}))

    def _split_generators(self, dl_manager):
        return {"train": self._generate_examples(dl_manager.manual_dir / "numbers.txt")}

    def _generate_examples(self, path):
        for key, line in enumerate(path.read_text().split()):
            yield key, {"number": int(line)}


class Alone(Brought, skip_registration=True):
    """Numbers from nowhere."""

    MANUAL_DOWNLOAD_INSTRUCTIONS = None
    name = "alone"


@pytest.fixture
def known(monkeypatch, tmp_path):
    """Both builders as if they lay in mmjax/data, and a folder with what the first wants."""
    for builder in (Brought, Alone):
        module = types.ModuleType(f"mmjax.data.{builder.name}.{builder.name}_dataset_builder")
        module.Builder = builder
        monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(prepared, "ours", lambda: ["alone", "brought"])
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/numbers.txt").write_text("3 1 4")
    return tmp_path


def test_a_builder_finds_the_users_folder_and_reads_it_once(known):
    data = str(known / "data")
    found = prepared.prepare("brought", data, known / "mine")
    assert found["splits"] == {"train": 3} and not found["before"]
    (known / "mine/numbers.txt").write_text("5")
    again = prepared.prepare("brought", data, known / "mine")
    assert again["splits"] == {"train": 3} and again["before"]
    assert prepared.prepare("brought", data)["before"]  # what is there wants no folder
    assert sorted(row["number"] for row in prepared.peek("brought", "train", 9, data)) == [1, 3, 4]


@pytest.mark.parametrize(
    ("name", "folder", "told"),
    [
        ("brought", None, "'brought' is made from files that you bring: save numbers.txt from example.org; then run"),
        ("brought", "absent", r"--source=.*absent: no such folder, expected the files of 'brought': save numbers.txt"),
        ("brought", "mine/numbers.txt", r"numbers.txt: a file, .*`mmjax data build brought --source=FOLDER`"),
        ("brought", "empty", r"--source=.*empty: an empty folder, expected the files of 'brought'"),
        ("alone", "mine", r"data set 'alone' is not made from a folder: leave out --source=.*mine"),
    ],
)
def test_what_is_no_folder_of_it_is_told_with_what_to_bring(known, name, folder, told):
    (known / "empty").mkdir()
    with pytest.raises((FileNotFoundError, ValueError), match=told):
        prepared.prepare(name, str(known / "data"), folder and known / folder)
    assert prepared.built(str(known / "data")) == []


def test_a_zip_file_is_as_good_as_the_folder_and_leaves_nothing_behind(known, monkeypatch):
    (known / "room").mkdir()
    monkeypatch.setattr(prepared.tempfile, "tempdir", str(known / "room"))
    with zipfile.ZipFile(known / "mine.zip", "w") as packed:
        packed.write(known / "mine/numbers.txt", "numbers.txt")
    assert prepared.prepare("brought", str(known / "data"), known / "mine.zip")["splits"] == {"train": 3}
    assert not list((known / "room").rglob("numbers.txt"))


def test_what_is_wrong_in_a_zip_file_is_told_with_its_name(known):
    with zipfile.ZipFile(known / "other.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("numbers.csv", "3 1 4" * 1000)
    with pytest.raises(FileNotFoundError, match=r"other\.zip/numbers\.txt"):
        prepared.prepare("brought", str(known / "data"), known / "other.zip")
    zipfile.ZipFile(known / "empty.zip", "w").close()
    with pytest.raises(FileNotFoundError, match=r"empty\.zip: an empty \.zip, expected the files of the data set"):
        prepared.prepare("brought", str(known / "data"), known / "empty.zip")
    whole = (known / "other.zip").read_bytes()
    (known / "broken.zip").write_bytes(whole[:40] + bytes(10) + whole[50:])
    with pytest.raises(ValueError, match=r"^--source=.*broken\.zip: not a readable \.zip file"):
        prepared.prepare("brought", str(known / "data"), known / "broken.zip")
    with pytest.raises(RuntimeError, match="of the builder"), prepared.unpacked(known / "other.zip"):
        raise RuntimeError("a fault of the builder")
    (known / "text.zip").write_text("dear diary")
    with pytest.raises(FileNotFoundError, match=r"text\.zip: a file, expected the files of 'brought'"):
        prepared.prepare("brought", str(known / "data"), known / "text.zip")
