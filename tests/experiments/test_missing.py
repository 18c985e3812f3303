"""The study of missing views: its variants are there, and its table says where a variant is above the baseline."""

from statistics import mean

import jax

from experiments.missing import run
from mmjax.cli import config
from mmjax.train.state import one_row


def test_every_variant_is_one_of_the_config_and_builds(tmp_path):
    grid = run.cells(tmp_path, 2)
    assert list(grid) == list(run.VARIANTS) and [cell.seed for cell in grid["nulls"]] == [0, 1]
    for row in grid.values():
        experiment = config.load(row[0].spec, row[0].changes)
        params, extra = jax.eval_shape(experiment.task.init, jax.random.key(0), one_row(experiment.data))
        assert params and bool(extra) == (row is not grid["zeros"])  # what a ramp counts
        assert experiment.steps == run.STEPS


def test_a_variant_is_above_the_baseline_where_its_mean_is_and_where_its_worst_seed_is_above_the_best_one(tmp_path):
    base = [{0.0: 0.98, 0.1: 0.9, 0.3: 0.8, 0.5: 0.7, 0.7: 0.6, 0.9: 0.5}]
    base.append({rate: value + 0.01 for rate, value in base[0].items()})
    better = [{rate: value + 0.015 * (rate > 0.2) for rate, value in one.items()} for one in base]
    text = run.table({"zeros": base, "nulls": better})
    assert "| 98.50 ± 0.71 % | 90.50 ± 0.71 % | 80.50 ± 0.71 % |" in text
    assert text.count("| 30, 50, 70, 90 % | 30, 50, 70, 90 % |") == 1
    near = [{rate: value + 0.005 for rate, value in one.items()} for one in base]
    assert run.above(near, base, mean, mean) == "0, 10, 30, 50, 70, 90 %"
    assert run.above(near, base, min, max) == "no rate" and run.above(base, base, min, max) == ""
    run.plot({"zeros": base, "nulls": better}, tmp_path / "missing.svg")
    assert "nulls" in (tmp_path / "missing.svg").read_text()
