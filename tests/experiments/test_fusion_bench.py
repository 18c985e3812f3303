"""The bench of fusions: every op stands in every set, runs are done once, and what is missing is what is told."""

import dataclasses
import json

import jax
import numpy as np
import pytest

import mmjax
import mmjax.fusion
from experiments.fusion_bench import cells, missing, rows, run, tell
from experiments.fusion_bench.cells import Cell, Failed
from experiments.fusion_bench.cost import costs
from experiments.fusion_bench.sets import CONFIGS, EVERY, REST, Set, ops
from mmjax.cli import config
from mmjax.cli.robustness import RATES
from mmjax.core.build import build, describe, locate
from mmjax.fusion.weighted_sum import WeightedSum
from mmjax.train.state import one_row


def test_an_op_enters_by_the_name_of_its_file(tmp_path, monkeypatch):
    assert {"low_rank", "decision_max", "concat"} <= set(ops())
    for name in ("__init__", "mine", "another"):
        (tmp_path / f"{name}.py").touch()
    monkeypatch.setattr(mmjax.fusion, "__path__", [str(tmp_path)])
    assert ops() == ["another", "mine"]


@pytest.mark.parametrize("name", EVERY)
def test_every_op_stands_in_the_sets_that_all_run_on(name):
    here = EVERY[name]
    for op in ops():
        overrides = [f"{key}={value!r}" for key, value in here.overrides(op).items()]
        experiment = config.load(f"{CONFIGS / here.spec}", overrides)
        assert describe(experiment.task.model.fusion)["use"] == f"fusion.{op}"
        params, _ = jax.eval_shape(experiment.task.init, jax.random.key(0), one_row(experiment.data))
        decides = any(key.startswith("heads_") for key in params)
        assert decides == getattr(locate(f"fusion.{op}"), "decides", False), op


def test_an_op_of_any_name_that_says_so_fuses_decisions(monkeypatch):
    monkeypatch.setattr(WeightedSum, "decides", True, raising=False)
    assert EVERY["mfeat"].overrides("weighted_sum")["task.model.head"] is None
    assert "task.model.head" not in EVERY["mfeat"].overrides("gated")


@pytest.mark.parametrize("name", REST)
def test_the_rest_take_ops_of_each_kind(name):
    here = REST[name]
    for op in ("low_rank", "decision_average"):
        overrides = [f"{key}={value!r}" for key, value in here.overrides(op).items()]
        experiment = config.load(f"{CONFIGS / here.spec}", overrides)
        jax.eval_shape(experiment.task.init, jax.random.key(0), one_row(experiment.data))


def test_the_configs_of_all_rows_are_there(tmp_path):
    for row in rows.ROWS:
        for cell in row.cells(tmp_path, 1)[0]:
            config.load(cell.spec, [f"{key}={value!r}" for key, value in cell.overrides.items()])


def folder_of(cell):
    cell.folder.mkdir(parents=True)
    return cell.folder


def test_a_seed_of_folds_is_tested_on_each_once_and_counts_when_all_are_done(tmp_path):
    told = {"all": ("accuracy", tell.mean), "one": ("f1/class/x", tell.plain)}
    row = rows.Row("people", "both", "sensors.py:smartwatch", folds=3, told=told)
    cells = row.cells(tmp_path, 2)
    assert [cell.overrides["data.test"] for cell in cells[1]] == ["fold_0", "fold_1", "fold_2"]
    assert [cell.overrides["data.train"] for cell in cells[1]][1] == "fold_0+fold_2"
    assert len({cell.folder for some in cells for cell in some}) == 6 and cells[1][2].reader == cells[0][2].folder
    assert row.found(cells) == {}
    for place, cell in enumerate([*cells[0], *cells[1][:2]]):
        config.save(config.load(cell.spec, cell.changes), folder_of(cell))
        (cell.folder / "scores.json").write_text(json.dumps({"accuracy": place / 10, "f1/class/x": 1.0}))
    assert row.found(cells) == {"all": [pytest.approx(0.1)], "one": [1.0]}
    text = rows.table({row: row.found(cells)})
    assert "| people | both |  | all **10.00 %**, one **1.00** | 1 | `configs/sensors.py:smartwatch` |" in text


@pytest.fixture(scope="module")
def done(small_wheels, tmp_path_factory):
    here = Set("mfeat.py:smoke", {"tensor": {"width": 2}})
    overrides = here.overrides("gated") | {"steps": 3, "optim.schedule.warmup": 1}
    folder = tmp_path_factory.mktemp("bench") / "gated_1"
    cell = Cell(folder, str(CONFIGS / here.spec), overrides, 1, folder)
    assert not cell.done
    return cell, cell.scores()


@pytest.mark.long
def test_a_run_is_the_command_with_its_seed_and_is_done_once(done, monkeypatch):
    cell, scores = done
    kept = json.loads((cell.folder / "config.json").read_text())
    assert kept["seed"] == 1 and kept["steps"] == 3 and kept["task"]["model"]["fusion"]["use"] == "fusion.gated"
    assert build(json.loads(json.dumps(kept))) == config.load(cell.spec, [w[9:] for w in cell.train[3:]])
    monkeypatch.setattr(cells, "mmjax", lambda words: pytest.fail("it ran again"))
    assert cell.done and cell.scores() == scores


@pytest.mark.long
def test_a_run_of_another_config_is_not_done_and_what_differs_is_told(done, capsys):
    cell, _ = done
    other = dataclasses.replace(cell, overrides=cell.overrides | {"steps": 4, "data.threads": 3})
    assert other.changed == ["steps"] and not other.done
    with pytest.raises(Failed):
        other.scores()
    assert "was made by another config, which differs in" in capsys.readouterr().err
    assert dataclasses.replace(cell, overrides=cell.overrides | {"data.threads": 3}).done


def test_the_table_is_of_all_runs_that_are_done_whichever_process_did_them(tmp_path, monkeypatch):
    def finish(name, op, seed, accuracy):
        cell = run.cells(tmp_path, name, [op], seed + 1)[op][seed]
        config.save(config.load(cell.spec, cell.changes), folder_of(cell))
        (cell.folder / cells.SCORES).write_text(json.dumps({"accuracy": accuracy}))

    row = {"parameters": 10, "milliseconds": 1.0, "megabytes": 2.0}
    monkeypatch.setattr(run, "costs", lambda folders: dict.fromkeys(folders, row))
    monkeypatch.setattr(missing, "curve", lambda folder: {0.0: 0.5})
    finish("mfeat", "gated", 0, 0.9)
    assert "| gated | 90.00 % |" in run.told(tmp_path)
    finish("mfeat", "gated", 1, 0.8)
    finish("mfeat", "tensor", 0, 0.7)
    finish("basic_motions", "concat", 0, 0.6)
    text = run.told(tmp_path)
    assert all(part in text for part in ("### mfeat", "| gated | 85.00 ", "| tensor | 70.00 %", "| concat | 60.00 %"))
    assert json.loads((tmp_path / "mfeat" / "costs.json").read_text()).keys() == {"gated", "tensor"}
    assert (tmp_path / "table.md").read_text() == text


@pytest.mark.long
def test_a_run_that_fails_is_told_and_the_others_are_done(tmp_path, done, monkeypatch, capsys):
    wrong = Cell(tmp_path / "wrong", str(CONFIGS / "mfeat.py:smoke"), {"steps": 0}, 0, done[0].folder)
    with pytest.raises(Failed, match="exit code 1 of mmjax train"):
        wrong.scores()
    assert run.fill({"wrong": [wrong], "gated": [done[0]]}) == 1
    assert "steps is 0" in capsys.readouterr().err


@pytest.mark.long
def test_missing_modalities_need_one_program_and_rate_0_is_the_evaluation(done):
    cell, scores = done
    compiled = []
    jax.monitoring.register_event_duration_secs_listener(
        lambda event, *_, **__: compiled.append(event) if "backend_compile" in event else None
    )
    few = missing.curve(cell.folder, (0.0,))
    alone = len(compiled)
    (cell.folder / missing.FILE).unlink()
    jax.clear_caches()
    many = missing.curve(cell.folder)
    assert alone and len(compiled) == 2 * alone
    assert few[0.0] == many[0.0] == scores["accuracy"] and list(many) == list(RATES)
    assert missing.curve(cell.folder) == many


@pytest.mark.long
def test_costs_are_of_the_model_that_was_trained(done):
    cell, _ = done
    found = costs({"gated": cell.folder})["gated"]
    params = mmjax.load(cell.folder).params
    assert found["parameters"] == sum(leaf.size for leaf in jax.tree.leaves(params))
    # The state alone holds the parameters, their average and two moments.
    assert found["megabytes"] > 4 * 4 * found["parameters"] / 2**20 and found["milliseconds"] > 0


FOUND = {
    "digits": {
        "low_rank": dict(accuracy=[0.98, 0.97, 0.99], parameters=12_000, milliseconds=4.26, megabytes=10.2),
        "gated": dict(accuracy=[0.99, 0.99, 0.99], parameters=9_000, milliseconds=3.0, megabytes=9.0),
        "mine": dict(accuracy=[]),
    },
}
FOUND["digits"]["low_rank"]["missing"] = {0.0: [0.98], 0.3: [0.9], 0.9: [0.5]}
FOUND["digits"]["gated"]["missing"] = {0.0: [0.99], 0.3: [0.8], 0.9: [0.4]}


def test_the_table_has_the_best_first_and_leaves_out_what_is_not_done(tmp_path):
    lines = tell.table(FOUND).strip().split("\n")
    assert lines[2] == "| op | accuracy | parameters | ms a step | MB a step | 30% missing | 90% missing |"
    assert lines[4] == "| gated | 99.00 ± 0.00 % | 9,000 | 3.0 | 9 | 80.00 % | 40.00 % |"
    assert lines[5] == "| low_rank | 98.00 ± 1.00 % | 12,000 | 4.3 | 10 | 90.00 % | 50.00 % |"
    assert len(lines) == 6
    tell.plots(FOUND, tmp_path)
    assert all("low rank" in (tmp_path / name).read_text() for name in ("cost.svg", "missing.svg"))


def test_names_are_moved_apart_as_little_as_can_be():
    np.testing.assert_allclose(tell.spread([0, 5, 5, 9], 2), [0, 4, 6, 9])
    np.testing.assert_allclose(tell.spread([1, 4], 2), [1, 4])


def test_the_best_are_those_of_the_lowest_mean_rank():
    def of(**means):
        return {op: [value] for op, value in means.items()}

    # Ranks of a: 0 and 2, of b: 1 and 0, of c: 2 and 1; by mean accuracy alone c would be before a.
    found = {"mfeat": of(a=0.98, b=0.97, c=0.96), "easyvqa": of(a=0.7, b=0.99, c=0.9)}
    assert run.best(found, 2) == ["b", "a"]
    assert run.best(found | {"mfeat": of(a=0.98, b=0.97)}) == ["b", "a"]
    assert run.best({}, 4) == []


def test_the_rest_waits_for_the_sets_that_every_op_runs_on(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["run", f"--out={tmp_path}", "--sets", "basic_motions"])
    with pytest.raises(SystemExit):
        run.main()
    assert "basic_motions takes the 4 best of mfeat and easyvqa: run these first" in capsys.readouterr().err
