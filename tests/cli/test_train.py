"""mmjax train: what a run folder holds, what is said, and that the same command goes on or says that it is done."""

import fcntl
import json
import os
import re
import shutil

import numpy as np

from mmjax.__main__ import main
from tests import tiny
from tests.command import mmjax
from tests.train import bits


def test_training_says_steps_and_scores_on_standard_error_and_nothing_on_standard_output(squares, tmp_path):
    done = mmjax("train", f"--config={tiny.CONFIG}:once", f"--workdir={tmp_path}/new/run")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    reading, before, first, second, page, last = done.stderr.splitlines()
    assert (reading, before, page) == ("reading the data", "the first step compiles", "writing the report")
    assert first.startswith("step 1/1  ") and "loss " in first
    assert second.startswith("step 1/1  exact_match ")
    assert last.startswith("exact_match ") and last.endswith(f" on 15; wrote {tmp_path}/new/run/report.html")


def test_a_run_folder_holds_all_that_was_promised(trained):
    names = {path.name for path in trained.iterdir()}
    assert names == {
        "config.json",
        "options.json",
        "tokenizer.json",
        "metrics.jsonl",
        "checkpoints",
        "events",
        "report.html",
    }
    assert bits.steps(trained) == [9, 12]
    items = {path.name for path in (trained / "checkpoints/12").iterdir() if path.is_dir()}
    assert items == {"params", "optimizer", "average", "progress", "metrics"}
    rows = bits.metrics(trained)
    assert [row[:2] for row in rows] == [*((step, "train") for step in range(1, 13)), (12, "test")]
    assert any((trained / "events").iterdir())
    page = re.sub("<[^>]*>", "", (trained / "report.html").read_text())
    assert f"mmjax train --config={tiny.CONFIG} --workdir={trained}" in page


def test_a_run_starts_from_another_one_by_an_override_and_tells_what_was_taken(trained, tmp_path, capfd):
    start = [f"--config.init_from.workdir={trained}", "--config.init_from.rules=(('^head', None),)"]
    words = [
        "train",
        f"--config={tiny.CONFIG}:once",
        f"--workdir={tmp_path}",
        *start,
        "--config.optim.schedule.peak=0.0",
    ]
    assert main(words) == 0
    out, err = capfd.readouterr()
    told = [line.split() for line in err.splitlines() if line.startswith("  ")]
    before, after = bits.saved(trained, 12), bits.saved(tmp_path, 1)
    names = [
        name.removeprefix("params").replace("']['", "/").strip("[']") for name in before if name.startswith("params")
    ]
    assert out == "" and sorted(row[:2] for row in told) == sorted(
        [[name, "fresh" if name.startswith("head") else "taken"] for name in names] + [["head", "skipped"]]
    )
    for name in names:
        key = "['" + name.replace("/", "']['") + "']"
        assert np.array_equal(after[f"params{key}"], before[f"average{key}"]) != name.startswith("head")


def test_a_complete_run_says_so_at_once_and_changes_nothing(trained, capfd):
    before = {path: path.stat().st_mtime_ns for path in trained.rglob("*") if path.name != "config.json"}
    assert main(["train", f"--config={tiny.CONFIG}", f"--workdir={trained}"]) == 0
    out, err = capfd.readouterr()
    assert out == "" and err == f"{trained} is done: 12 steps, scores and examples in {trained}/report.html\n"
    after = {path: path.stat().st_mtime_ns for path in trained.rglob("*") if path.name != "config.json"}
    assert {path for path in before if before[path] != after.get(path)} <= {trained}


def test_a_run_goes_on_with_other_intervals_and_a_lost_report_is_made_again(trained, tmp_path, capfd):
    copy = tmp_path / "copy"
    shutil.copytree(trained, copy)
    shutil.rmtree(copy / "checkpoints/12")
    (copy / "report.html").unlink()
    words = ["train", f"--config={tiny.CONFIG}", f"--workdir={copy}", "--config.log.every=2"]
    assert main([*words, "--config.checkpoint.keep=1"]) == 0
    out, err = capfd.readouterr()
    assert out == "" and err.startswith("goes on from step 9 of 12\n")
    assert bits.steps(copy) == [12]
    bits.assert_same(bits.saved(copy, 12), bits.saved(trained, 12))
    steps = [row[:2] for row in bits.metrics(copy)]
    assert steps == [*((step, "train") for step in (*range(1, 10), 10, 12)), (12, "test")]
    assert json.loads((copy / "config.json").read_text())["log"] == {"every": 2}
    (copy / "report.html").unlink()
    assert main(words) == 0
    assert f"wrote {copy}/report.html" in capfd.readouterr().err and (copy / "report.html").is_file()


def test_a_folder_is_trained_by_one_process_at_a_time(trained, capfd):
    folder = os.open(trained, os.O_RDONLY)
    fcntl.flock(folder, fcntl.LOCK_EX)
    try:
        assert main(["train", f"--config={tiny.CONFIG}", f"--workdir={trained}"]) == 1
    finally:
        os.close(folder)
    said = f"mmjax: --workdir={trained} is being filled by another process; wait for it, or choose another folder\n"
    assert capfd.readouterr() == ("", said)
    assert main(["train", f"--config={tiny.CONFIG}", f"--workdir={trained}"]) == 0
