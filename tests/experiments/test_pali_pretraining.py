"""The comparison of pretraining: its table, and its steps counted by the runs' own configs."""

import importlib.util
import json
from pathlib import Path

SPEC = importlib.util.spec_from_file_location(
    "compare", Path(__file__).parents[2] / "experiments/pali_pretraining/compare.py"
)
compare = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(compare)


def test_the_table_holds_every_run_and_the_means_with_their_standard_deviations():
    rows = [(0, "0-5 %", 0.99, 0.95, 2200), (1, "5-10 %", 0.98, 0.97, 2200), (2, "10-15 %", 1.0, 0.96, 2200)]
    lines = compare.table(rows).split("\n")
    assert lines[2] == "| 0 | 0-5 % | 2,200 | 99.00% | 95.00% |"
    assert lines[-1] == "| mean ± sd | | | **99.00%** ± 1.00% | **96.00%** ± 1.00% |"
    assert len({line.count("|") for line in lines}) == 1


def test_what_is_done_is_not_repeated_and_steps_are_those_of_the_config(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"steps": 300}))
    (tmp_path / "scores.json").write_text(json.dumps({"exact_match": 0.5}))
    assert compare.steps(tmp_path) == 300
    assert compare.train(tmp_path, []) == 0.5
