"""What is chosen for the page of a run: the command that asks it, and its worst mistakes."""

import shlex
from pathlib import Path
from types import SimpleNamespace

import pytest

from mmjax.cli import report
from mmjax.core.task import Panel
from mmjax.data.modality.pictures import Pictures
from mmjax.data.modality.text import Text


@pytest.mark.parametrize(
    ("asks", "row"),
    [
        (("image", "text"), '--image=FILE --text="..."'),
        (("image",), "--image=FILE"),
        (("image", "image", "text"), '--image=FILE --image=FILE --text="..."'),
        (("image", "question"), '--image=FILE --text="..."'),
        (("text", "audio"), "--jsonl=FILE"),
    ],
)
def test_the_command_asks_for_what_the_run_reads(asks, row):
    commands = report._commands(Path("a run"), ["--config=configs/mine.py"], asks)
    assert commands["predict"] == f"mmjax predict --workdir='a run' {row}"


def test_a_run_of_two_pictures_is_asked_with_two():
    modalities = {"image": Pictures("image", 2, 4), "text": Text("said", 3)}
    run = SimpleNamespace(experiment=SimpleNamespace(data=SimpleNamespace(modalities=modalities)))
    run.feed = SimpleNamespace(asks=("image", "text"))
    assert report._asks(run) == ["image", "image", "text"]
    run.experiment.data = SimpleNamespace()  # one that has no modalities
    assert report._asks(run) == ["image", "text"]


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


def test_the_worst_mistakes_of_each_kind_come_in_turn_and_stand_under_it():
    def record(index, kind, confidence, right=False):
        return {"index": index, "place": 0, "kind": kind, "confidence": confidence, "right": right}

    sure = [record(index, "count", 0.99 - index / 100) for index in range(20)]
    others = [record(30, "colour", 0.6), record(31, "colour", 0.5), record(32, "colour", 0.9, right=True)]
    others += [record(33, "place", 0.8, right=True)]
    worst = report._worst([*sure, *others])
    assert worst[:4] == [0, 30, 1, 31] and len(worst) == 12 and worst[4:] == [*range(2, 10)]
    kinds = {index: "colour" if index >= 30 else "count" for index in worst}
    panels = [Panel("table", {}, {"kind": kinds[index], "index": str(index)}) for index in worst[:3]]
    panels.insert(2, Panel("curve", {}, {}))  # of the same example as the one before
    groups = report._grouped(panels, [*sure, *others])
    assert {title: [panels.index(one) for one in some] for title, some in groups.items()} == {
        "count: 0 of 20 right": [0, 3],
        "colour: 1 of 3 right": [1, 2],
    }


def test_mistakes_without_a_kind_are_the_worst_ones_and_stand_under_no_title():
    records = [{"index": index, "confidence": index / 40, "right": index % 2 == 0} for index in range(40)]
    assert report._worst(records) == [*range(39, 15, -2)]
    panel = Panel("table", {}, {"kind": "of no record"})
    assert report._grouped([panel], records) == {"": [panel]} and report._grouped([], records) == {}


def test_a_run_that_is_asked_nothing_is_not_said_to_predict():
    assert report._commands(Path("run"), [], ()) == {"evaluate": "mmjax evaluate --workdir=run"}
