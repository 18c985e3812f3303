"""The study of NLVR: its stages build one from the other, and its table holds what was measured on dev."""

import re
from types import SimpleNamespace

import jax

from experiments.nlvr import run
from mmjax.cli import config
from mmjax.core import paths
from mmjax.train.state import one_row


def test_each_stage_starts_from_what_those_before_learnt(tmp_path):
    grid = run.cells(tmp_path, 2)
    known = {}
    for stage, row in grid.items():
        experiment = config.load(row[1].spec, row[1].changes)
        params = paths.flatten(jax.eval_shape(experiment.task.init, jax.random.key(0), one_row(experiment.data))[0])
        known[stage] = {path: leaf.shape for path, leaf in params.items()}
        if stage in run.AFTER:
            words = grid[run.AFTER[stage]["init_from"]][1].folder
            assert experiment.data.tokenizer.path == str(words / "tokenizer.json")
        start, left = experiment.init_from, set(params)
        for before in run.AFTER.get(stage, {}).values():
            assert start.workdir == str(grid[before][1].folder)
            sources = {path: source(path, start.rules) for path in left}
            for path in [path for path in left if sources[path] is not None]:
                assert known[stage][path] == known[before][sources[path]]
            left, start = {path for path in left if sources[path] is None}, start.also
        assert not left or stage not in run.AFTER
    assert known["statements"] == known["base"] == known["scratch"]
    assert known["beit3_statements"] == known["beit3"] == known["beit3_scratch"]


def source(path, rules):
    """What a parameter is called in the run that another starts from; None where it starts fresh."""
    for pattern, replacement in rules:
        if re.search(pattern, path):
            return None if replacement is None else re.sub(pattern, replacement, path)
    return path


def test_the_table_holds_what_was_measured_on_held_and_on_dev(tmp_path):
    runs = []
    for held in (0.5, 0.75):
        folder = tmp_path / str(held)
        folder.mkdir()
        (folder / "held.json").write_text(f'{{"accuracy": {held}, "consistency": 0}}\n')
        (folder / "dev.json").write_text('{"accuracy": 0.625, "consistency": 0.25}\n')
        runs.append(SimpleNamespace(done=True, folder=folder))
    rows = {stage: [] for stage in run.STAGES} | {"base": runs}
    text = run.table(rows)
    assert text.splitlines()[2:] == [
        "| generated statements, then the sentences | 62.50 ± 17.68 % | 62.50 ± 0.00 % | 25.00 ± 0.00 % |"
    ]


def test_a_run_of_generated_statements_can_be_asked_about_published_sentences(tmp_path):
    cell = run.cells(tmp_path, 1)["statements"][0]
    changes = [word.removeprefix("--config.") for word in run.PUBLISHED]
    data = config.load(cell.spec, [*cell.changes, *changes]).data
    base = config.load(f"{cell.spec.partition(':')[0]}:base").data
    assert (data.name, data.group, data.modalities) == (base.name, base.group, base.modalities)
