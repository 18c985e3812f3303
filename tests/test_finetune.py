"""docs/finetune.md as it is written: its files are put where they say, and its commands run as real processes."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.command import ROOT

GUIDE = ROOT / "docs/finetune.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def sections() -> dict[str, list[tuple[str, str]]]:
    """The blocks (language, text) of the guide by the title that they stand under."""
    titles = re.split(r"^## (.+)\n", GUIDE.read_text(), flags=re.MULTILINE)[1:]
    return {title: BLOCK.findall(text) for title, text in zip(titles[::2], titles[1::2], strict=True)}


class Place:
    """A folder in which the guide is followed, with the commands that an installation has."""

    def __init__(self, folder: Path):
        self.folder = folder
        (folder / "bin").mkdir()
        for name, words in (("python", ""), ("mmjax", "-m mmjax ")):
            script = folder / "bin" / name
            script.write_text(f'#!/bin/sh\nexec {sys.executable} {words}"$@"\n')
            script.chmod(0o755)
        (folder / "configs").symlink_to(ROOT / "configs")
        paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        self.env = os.environ | {"PATH": f"{folder}/bin:{os.environ['PATH']}", "PYTHONPATH": os.pathsep.join(paths)}

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        options = dict(cwd=self.folder, env=self.env, capture_output=True, text=True, timeout=600)
        return subprocess.run(["bash", "-e", "-o", "pipefail", "-c", command], **options)

    def follow(self, title: str) -> list[str]:
        """Does what a section says, and returns what its commands have told on standard output."""
        told = []
        for language, text in sections()[title]:
            if language == "python":
                (self.folder / re.match(r"# (\w+\.py)\n", text)[1]).write_text(text)
            if language == "sh":
                done = self.run(text)
                assert done.returncode == 0, done.stderr
                told.append(done.stdout)
        return told


@pytest.fixture(scope="module")
def place(easyvqa, tmp_path_factory) -> Place:
    """Where everything is done that the tasks have in common."""
    found = Place(tmp_path_factory.mktemp("guide"))
    for title in list(sections())[:3]:
        found.follow(title)
    return found


def answers(place: Place, name: str) -> list[dict]:
    return [json.loads(line) for line in (place.folder / name).read_text().splitlines()]


def test_the_guide_has_a_test_for_each_of_its_sections():
    assert list(sections()) == [
        "A pretrained run",
        "Rows",
        "The config",
        "Questions",
        "Statements about two pictures",
        "Captions",
    ]


def test_questions_are_answered_by_what_was_finetuned_from_the_pretrained_run(place):
    (told,) = place.follow("Questions")
    evaluated, one = (json.loads(line) for line in told.splitlines()[-2:])
    assert evaluated["examples"] == 5
    assert one["image"] == "shapes/16.png" and 0 < one["confidence"] <= 1
    rows = [json.loads(line) for line in (place.folder / "shapes/questions.jsonl").read_text().splitlines()]
    found = answers(place, "answers.jsonl")
    assert len(rows) == 20 and [{k: row[k] for k in rows[0]} for row in found] == rows
    names = {"black", "blue", "circle", "gray", "green", "rectangle", "red"}
    assert 5 * evaluated["accuracy"] <= sum(row["prediction"] == row["answer"] for row in found)
    assert {row["prediction"] for row in found} <= names and found[16]["prediction"] == one["prediction"]
    assert (place.folder / "runs/shape_questions/report.html").stat().st_size > 10_000


def test_a_row_of_the_guide_that_is_wrong_is_told_by_file_and_line(place):
    lines = (place.folder / "shapes/questions.jsonl").read_text().splitlines()
    lines[2] = lines[2].replace("2.png", "99.png")
    (place.folder / "shapes/wrong.jsonl").write_text("\n".join(lines))
    done = place.run("mmjax data build --source=shapes/wrong.jsonl --name=shape_wrong")
    assert done.returncode == 1 and done.stdout == ""
    first, last = done.stderr.splitlines()
    assert first == "shapes/wrong.jsonl:3: shapes/99.png: no such file, expected a picture"
    assert last == "mmjax: shapes/wrong.jsonl: 1 of 20 rows are bad: mend them or pass --skip-bad"


@pytest.mark.long
def test_statements_about_two_pictures_are_judged(place):
    (told,) = place.follow("Statements about two pictures")
    row = json.loads(told.splitlines()[-1])
    assert row["image"] == ["shapes/15.png", "shapes/16.png"] and row["prediction"] in ("true", "false")


@pytest.mark.long
def test_captions_are_written_and_compared_with_all_of_a_picture(place):
    (told,) = place.follow("Captions")
    row = json.loads(told.splitlines()[-1])
    assert row.keys() == {"image", "prediction", "confidence"} and isinstance(row["prediction"], str)
    metrics = (place.folder / "runs/shape_captions/metrics.jsonl").read_text().splitlines()
    assert {"cider", "bleu_4", "rouge_l"} <= json.loads(metrics[-1]).keys()
