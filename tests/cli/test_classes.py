"""Classes of pictures and answers with scores from the command line: smoke runs that are evaluated and asked."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import mmjax
from mmjax.__main__ import main
from mmjax.cli import config
from mmjax.data import prepared
from mmjax.data.fashion.fashion_dataset_builder import NAMES
from tests import command

CONFIGS = Path(__file__).parents[2] / "configs"
WORDS = "black blue brown circle gray green no rectangle red teal triangle yellow yes"
ANSWERS = WORDS.split()


def run(spec, folder, capsys):
    """A smoke run of a config in a folder."""
    assert main(["train", f"--config={CONFIGS / spec}", f"--workdir={folder}"]) == 0
    capsys.readouterr()
    return folder


def scores(capsys):
    return json.loads(capsys.readouterr().out.splitlines()[-1])


def asked(folder, rows, answer, *features):
    """The share of rows of which the answer is predicted from these features alone."""
    found = mmjax.load(folder).predict([{name: row[name] for name in features} for row in rows])
    return np.mean([one["prediction"] == row[answer] for one, row in zip(found, rows, strict=True)])


def picture(path):
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (28, 28), dtype=np.uint8)).save(path)
    return path


def test_every_picture_is_evaluated_in_order_as_it_is(small_wheels, tmp_path):
    """What mixes and varies pictures in training is in the config, and stays out of here."""
    experiment = config.load(f"{CONFIGS}/beit3_fashion.py:smoke")
    assert experiment.task.mix is not None and experiment.data.modalities["image"].augment is not None
    feed = experiment.data.open(tmp_path)
    plain = config.load(f"{CONFIGS}/beit3_fashion.py:smoke", ["data.modalities.image.augment=None"]).data.open(tmp_path)
    batches = list(feed.split())
    index = np.concatenate([batch["index"] for batch in batches])
    np.testing.assert_array_equal(index, [*range(20), *[-1] * 4])
    for batch, other in zip(batches, plain.split(), strict=True):
        for name in batch:
            np.testing.assert_array_equal(batch[name], other[name])
    for number, row in enumerate(np.concatenate([batch["image"] for batch in batches])[:20]):
        assert row[2 * (number % 10) + 4 : 2 * (number % 10) + 6].min() == 250 and row.max() == 250
    drawn = [next(one.train(seed=1, start=3)) for one in (feed, feed, plain)]
    np.testing.assert_array_equal(drawn[0]["image"], drawn[1]["image"])
    assert (drawn[0]["image"] != drawn[2]["image"]).any()


def test_a_picture_is_told_its_class(small_wheels, tmp_path, capsys):
    folder = run("beit3_fashion.py:smoke", tmp_path / "run", capsys)
    assert main(["evaluate", f"--workdir={folder}"]) == 0
    found = scores(capsys)
    assert found["examples"] == 20
    assert found["accuracy"] == asked(folder, prepared.peek("fashion", "test", 20), "name", "image")
    done = command.mmjax("predict", f"--workdir={folder}", f"--image={picture(tmp_path / 'a.png')}")
    assert (done.returncode, done.stderr) == (0, "")
    row = json.loads(done.stdout)
    assert row["prediction"] in NAMES and 0.1 <= row["confidence"] <= 1


@pytest.mark.long
def test_a_picture_finds_the_name_of_its_class(small_wheels, tmp_path, capsys):
    folder = run("beit3_fashion.py:smoke_names", tmp_path / "run", capsys)
    assert main(["evaluate", f"--workdir={folder}", "--prompt={}"]) == 0
    found = scores(capsys)
    assert found["examples"] == 20 and "recall_at_1" in found
    assert found["zero_shot_accuracy"] * 20 == pytest.approx(round(found["zero_shot_accuracy"] * 20))


def test_a_question_about_a_picture_is_told_an_answer(easyvqa, tmp_path, capsys):
    folder = run("beit3_easy_vqa.py:smoke_soft", tmp_path / "run", capsys)
    kept = json.loads((folder / "inputs.json").read_text())["labels"]
    assert sorted(kept) == ANSWERS
    assert main(["evaluate", f"--workdir={folder}"]) == 0
    found = scores(capsys)
    rows = prepared.peek("easyvqa", "test[:1%]", 1000)
    assert found["examples"] == len(rows) > 90
    assert found["vqa_accuracy"] == pytest.approx(asked(folder, rows, "answer", "image", "question"))
    options = f"--image={picture(tmp_path / 'a.png')}", "--text=what color is the shape?"
    done = command.mmjax("predict", f"--workdir={folder}", *options)
    assert (done.returncode, done.stderr) == (0, "")
    row = json.loads(done.stdout)
    assert row["prediction"] in ANSWERS and 0 <= row["confidence"] <= 1
    # Answers in another order would be other parameters.
    path = folder / "inputs.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"labels": kept[::-1]}))
    assert main(["predict", f"--workdir={folder}", *options]) == 1
    assert f"{path} is not the file that checkpoint" in capsys.readouterr().err
