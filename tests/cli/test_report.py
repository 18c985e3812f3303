"""What is chosen for the page of a run: the command that asks it, and its worst mistakes."""

import shlex
from pathlib import Path

import pytest

from mmjax.cli import report


@pytest.mark.parametrize(
    ("asks", "row"),
    [
        (("image", "text"), '--image=FILE --text="..."'),
        (("image",), "--image=FILE"),
        (("image", "question"), '--image=FILE --text="..."'),
        (("text", "audio"), "--jsonl=FILE"),
    ],
)
def test_the_command_asks_for_what_the_run_reads(asks, row):
    commands = report._commands(Path("a run"), ["--config=configs/mine.py"], asks)
    assert commands["predict"] == f"mmjax predict --workdir='a run' {row}"


def test_a_shell_reads_the_command_of_a_run_as_it_was_given():
    options = ["--config=my configs/mine.py:base", '--config.partition.axes={"data": 2, "fsdp": 4}']
    line = report._commands(Path("a run"), options, ("image",))["train"]
    assert shlex.split(line) == ["mmjax", "train", *options, "--workdir=a run"]


def test_a_mistake_is_worse_the_surer_it_was_or_the_farther_a_number_lies():
    assert report._mistake({"right": True, "confidence": 0.9}) is None
    assert report._mistake({"right": False, "confidence": 0.75}) == 0.75
    assert report._mistake({"prediction": 1.5, "truth": -1.0}) == 2.5
    assert report._mistake({"prediction": [1.0, 2.0], "truth": [1.0, 5.0]}) == 1.5
    assert report._mistake({"prediction": 1.5}) is None and report._mistake({"prediction": 1.5, "truth": 1.5}) is None


def test_a_run_that_is_asked_nothing_is_not_said_to_predict():
    assert report._commands(Path("run"), [], ()) == {"evaluate": "mmjax evaluate --workdir=run"}
