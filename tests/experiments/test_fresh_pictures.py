"""The freshly drawn pictures show what their answers say, and the score counts right answers."""

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

FOLDER = Path(__file__).parents[2] / "experiments/fresh_pictures"
PALETTE = {
    "red": (255, 0, 0),
    "green": (0, 255, 0),
    "blue": (0, 0, 255),
    "yellow": (255, 255, 0),
    "teal": (0, 128, 128),
    "brown": (165, 42, 42),
    "gray": (128, 128, 128),
    "black": (0, 0, 0),
}


def run(script, *arguments):
    return subprocess.run(
        [sys.executable, FOLDER / script, *map(str, arguments)], capture_output=True, text=True, check=False
    )


def drawn(folder, count=60, seed=3):
    done = run("draw.py", f"--count={count}", f"--seed={seed}", f"--out={folder}")
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in (folder / "rows.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def fresh(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fresh")
    return folder, drawn(folder)


def seen(path):
    """(shape, colour) read off the pixels: the shape by the share of its bounding box that it fills."""
    pixels = np.asarray(Image.open(path)).astype(int)
    names = list(PALETTE)
    near = [np.abs(pixels - np.array(PALETTE[name])).sum(-1) == 0 for name in names]
    colour = names[int(np.argmax([found.sum() for found in near]))]
    counts = np.unique(pixels.reshape(-1, 3), axis=0, return_counts=True)
    light = next(rgb for rgb in counts[0][np.argsort(-counts[1])] if tuple(rgb) not in PALETTE.values())
    share = np.abs(pixels - light).sum(-1) / np.abs(np.array(PALETTE[colour]) - light).sum()
    rows, columns = np.where(share > 0.5)
    filled = share.sum() / ((np.ptp(rows) + 1) * (np.ptp(columns) + 1))
    middle = share[rows.min() + (np.ptp(rows) + 1) // 4, columns.min() : columns.max() + 1].mean()
    shape = "rectangle" if filled > 0.9 else "triangle" if middle < 0.55 else "circle"
    return shape, colour


def truth(question, shape, colour):
    if question.startswith("what"):
        return colour if "color" in question else shape
    there = re.search(rf"\b({shape}|{colour})\b", question) is not None
    return "yes" if there != bool(re.search(r"\b(no|not)\b", question)) else "no"


def test_every_answer_is_what_the_pixels_show(fresh):
    folder, rows = fresh
    for row in rows:
        assert truth(row["question"], *seen(folder / row["image"])) == row["answer"], row


def test_questions_are_worded_as_in_the_set(fresh):
    package = importlib.util.find_spec("easy_vqa")
    wheel = Path(package.submodule_search_locations[0], "data/train/questions.json")
    assert {row["question"] for row in fresh[1]} <= {question for question, *_ in json.loads(wheel.read_text())}


def test_each_picture_has_a_shape_a_colour_and_by_turns_a_yes_or_a_no(fresh):
    answers = [row["answer"] for row in fresh[1]]
    assert set(answers[0::3]) == {"circle", "rectangle", "triangle"} and set(answers[1::3]) == set(PALETTE)
    assert answers[2::3] == ["yes", "no"] * 30
    negated = {row["answer"] for row in fresh[1] if re.search(r"\b(no|not)\b", row["question"])}
    assert negated == {"yes", "no"}


def test_a_seed_draws_the_same_again_and_another_seed_others(fresh, tmp_path):
    folder, rows = fresh
    again, other = tmp_path / "again", tmp_path / "other"
    assert drawn(again) == rows and drawn(other, seed=4) != rows
    same = [Path(f, "pictures/0007.png").read_bytes() for f in (folder, again, other)]
    assert same[0] == same[1] != same[2]


def test_the_score_counts_right_answers_by_kind_and_errors_as_wrong(fresh, tmp_path):
    folder, rows = fresh
    predictions = [row | {"prediction": row["answer"]} for row in rows]
    predictions[0]["prediction"] = "red"
    predictions[1] = rows[1] | {"error": "no picture"}
    (tmp_path / "p.jsonl").write_text("\n".join(map(json.dumps, predictions)) + "\n")
    found = json.loads(run("score.py", folder / "rows.jsonl", tmp_path / "p.jsonl").stdout)
    assert found["exact_match"] == 178 / 180 and found["errors"] == 1
    assert found["exact_match/shape"] == found["exact_match/colour"] == 59 / 60
    assert found["exact_match/yes"] == found["exact_match/no"] == 1 and found["examples/yes"] == 30


@pytest.mark.parametrize("change", [lambda rows: rows[1:], lambda rows: rows[::-1]])
def test_predictions_of_other_rows_are_refused_in_one_line(fresh, tmp_path, change):
    folder, rows = fresh
    (tmp_path / "p.jsonl").write_text("\n".join(map(json.dumps, change(rows))) + "\n")
    done = run("score.py", folder / "rows.jsonl", tmp_path / "p.jsonl")
    assert done.returncode != 0 and done.stdout == ""
    assert done.stderr.startswith("score.py: ") and done.stderr.count("\n") == 1
