"""mmjax evaluate: the last line of standard output is the scores as one JSON object."""

import json
import shutil

from mmjax.__main__ import main
from tests.command import mmjax
from tests.train import bits


def result(out):
    return json.loads(out.splitlines()[-1])


def test_the_last_line_is_the_score_that_training_ended_with_and_people_read_the_tables(trained):
    done = mmjax("evaluate", f"--workdir={trained}")
    assert done.returncode == 0, done.stderr
    (step, split, row) = bits.metrics(trained)[-1]
    assert (step, split) == (12, "test")
    assert result(done.stdout) == {"exact_match": row["exact_match"], "examples": 15, "step": 12, "split": "test"}
    assert len(done.stdout.splitlines()) == 1
    for line in done.stderr.splitlines():
        name, value = line.rsplit(None, 1)
        assert abs(row[name.strip()] - float(value)) < 1e-4
    assert len(done.stderr.splitlines()) == len([name for name in row if name.count("/") >= 2]) > 8


def test_a_step_the_best_step_and_another_split_can_be_chosen(trained, tmp_path, capfd):
    copy = tmp_path / "copy"
    shutil.copytree(trained, copy)
    found = {}
    for name, words in {"9": ["--step=9"], "best": ["--step=best"], "train": ["--split=train[:10]"]}.items():
        assert main(["evaluate", f"--workdir={copy}", *words]) == 0
        found[name] = result(capfd.readouterr().out)
    assert (found["9"]["step"], found["best"]["step"], found["train"]["step"]) == (9, 12, 12)
    assert (found["9"]["examples"], found["9"]["split"]) == (15, "test")
    assert (found["train"]["examples"], found["train"]["split"]) == (10, "train[:10]")


def test_evaluation_changes_nothing_in_the_run_folder(trained, tmp_path, capfd):
    copy = tmp_path / "copy"
    shutil.copytree(trained, copy)
    before = {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()}
    assert main(["evaluate", f"--workdir={copy}", "--config.data.batch=4", "--config.partition.use=train.pmap"]) == 0
    assert result(capfd.readouterr().out)["exact_match"] == bits.metrics(trained)[-1][2]["exact_match"]
    assert {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()} == before
