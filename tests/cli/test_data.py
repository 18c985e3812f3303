"""mmjax data: sets built from files and packages, listed, and shown row by row."""

import json

import pytest

from mmjax.__main__ import main
from tests import opinions, tiny


@pytest.fixture
def folder(tmp_path):
    return f"--data-dir={tmp_path}/prepared"


def rows(out):
    return [json.loads(line) for line in out.splitlines()]


def test_ones_own_rows_are_built_listed_and_shown(tmp_path, folder, capfd):
    source = tiny.rows(tmp_path / "rows")
    assert main(["data", "build", f"--source={source}", "--name=mine", folder]) == 0
    out, err = capfd.readouterr()
    assert out == "" and "mine" in err and len(err.splitlines()) == 1
    assert main(["data", "list", folder]) == 0
    out, err = capfd.readouterr()
    assert (out, err) == ("mine  1.0.0  54 rows (train 39, test 15)\n", "")
    assert main(["data", "show", "mine", "--split=test", "--count=2", folder]) == 0
    out, err = capfd.readouterr()
    assert err == "" and rows(out) == [
        {
            "answer": "blue",
            "caption": "",
            "image": "picture of 16 x 16",
            "image_id": 0,
            "question": "what color is the square?",
        },
        {"answer": "yes", "caption": "", "image": "picture of 16 x 16", "image_id": 0, "question": "is it blue?"},
    ]


def test_bad_rows_are_named_by_their_lines_and_left_out_only_when_asked(tmp_path, folder, capfd):
    source = tiny.rows(tmp_path / "rows")
    lines = source.read_text().splitlines()
    lines[3:3] = ["{broken", json.dumps({"image": "absent.png", "question": "is it?", "answer": "no"})]
    source.write_text("\n".join(lines))
    words = ["data", "build", f"--source={source}", "--name=mine", folder]
    assert main(words) == 1
    out, err = capfd.readouterr()
    first, second, last = err.splitlines()
    assert out == "" and first.startswith(f"{source}:4: ") and second.startswith(f"{source}:5: ")
    assert last.startswith("mmjax: ") and "2 of 56 rows are bad" in last and "--skip-bad" in last
    assert main(["data", "list", folder]) == 0
    assert "nothing is prepared" in capfd.readouterr().err
    assert main([*words, "--skip-bad"]) == 0
    capfd.readouterr()
    assert main(["data", "list", folder]) == 0
    assert "54 rows" in capfd.readouterr().out


def test_a_set_that_mmjax_knows_is_prepared_by_name(easyvqa, capfd):
    assert main(["data", "build", "easyvqa"]) == 0  # it is there already: nothing is done twice
    out, err = capfd.readouterr()
    assert out == "" and "train 38,575, test 9,673" in err
    assert main(["data", "show", "easyvqa", "--count=1"]) == 0
    (row,) = rows(capfd.readouterr().out)
    assert row["image"] == "picture of 64 x 64" and row["question"] and row["answer"]


def test_a_set_whose_files_the_user_brings_is_prepared_from_a_folder_and_says_when_it_was_there(
    tmp_path, folder, capfd
):
    assert main(["data", "build", "mosi", folder]) == 1
    out, err = capfd.readouterr()
    assert out == "" and len(err.splitlines()) == 1
    assert "put train.npz, valid.npz and test.npz" in err and "`mmjax data build mosi --source=FOLDER`" in err
    assert main(["data", "show", "mosi", "--count=1", folder]) == 1
    capfd.readouterr()
    brought = f"--source={opinions.write(tmp_path / 'brought', 'mosi')}"
    assert main(["data", "build", "mosi", brought, folder]) == 0
    assert "mosi 1.0.0: test 8, train 8, valid 8 rows in" in capfd.readouterr().err
    assert main(["data", "show", "mosi", "--count=1", folder]) == 0
    (row,) = rows(capfd.readouterr().out)
    assert (row["text"], row["label"], row["rating"]) == ("6 x 300 numbers", -3, 0)
    assert main(["data", "build", "mosi", brought, folder]) == 0
    assert "as before: remove that folder to build it anew" in capfd.readouterr().err
    assert main(["data", "build", "easyvqa", brought, folder]) == 1
    assert "'easyvqa' is not made from a folder: leave out --source" in capfd.readouterr().err


@pytest.mark.parametrize("words", [[], ["mosi", "--name=mine"], ["--source=rows.jsonl"], ["--name=mine"]])
def test_words_that_say_neither_what_to_build_nor_from_what_are_told(words, folder, capfd):
    assert main(["data", "build", *words, folder]) == 1
    assert "data build takes the NAME of a known data set" in capfd.readouterr().err
