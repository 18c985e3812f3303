"""Configs: overrides, what a run folder keeps of them, and which may change between a run and its resumption."""

import json
import shutil
from pathlib import Path

import pytest

from mmjax.cli import config
from mmjax.core.build import ConfigError, describe
from mmjax.data.words import Words
from mmjax.optim.adamw import Adamw
from mmjax.optim.lion import Lion
from mmjax.train.pmap import Pmap
from tests import tiny

FILE = str(tiny.CONFIG)
FREE = {
    "partition.use": "train.pmap",
    "log.every": 7,
    "evaluate.every": 3,
    "checkpoint.every": 5,
    "checkpoint.keep": 9,
    "checkpoint.best": "None",
    "guard.steps": 2,
    "data.data_dir": "elsewhere",
    "data.threads": 1,
    "data.prefetch": 3,
}


def overrides(changes):
    return [f"{key}={value}" for key, value in changes.items()]


def test_a_variant_and_overrides_of_any_depth_reach_the_objects():
    changes = {
        "steps": 5,
        "task.model.image.heads": 4,
        "optim.rule.b2": 0.9,
        "optim.clip": "None",
        "data.test": "test[:50%]",
        "optim.groups": "(('bias$', {'use': 'optim.group', 'decay': 0.0}), ('.*', {'use': 'optim.group'}))",
        "optim.groups.1.1.rate": 0.5,
    }
    experiment = config.load(f"{FILE}:long", overrides(changes))
    assert (config.load(f"{FILE}:long").steps, experiment.steps) == (40, 5)
    assert (experiment.task.model.image.heads, experiment.optim.rule.b2) == (4, 0.9)
    assert (experiment.optim.clip, experiment.data.test) == (None, "test[:50%]")
    assert [(pattern, group.decay, group.rate) for pattern, group in experiment.optim.groups] == [
        ("bias$", 0.0, 1.0),
        (".*", None, 0.5),
    ]
    assert config.load(FILE).optim.rule == Adamw(b2=0.98, decay=0.05)


def test_another_class_drops_the_fields_of_the_one_before():
    changed = ["optim.rule.use=optim.lion", "optim.rule.b1=0.8"]
    assert config.load(FILE, changed).optim.rule == Lion(b1=0.8)
    assert config.load(FILE, ["partition.use=train.pmap"]).partition == Pmap()


def test_another_class_keeps_what_it_cannot_do_without():
    mfeat = f"{Path(__file__).parents[2]}/configs/mfeat.py"
    before = config.load(mfeat).task.model
    after = config.load(mfeat, ["task.model.fusion.use=fusion.low_rank"]).task.model
    assert type(after.fusion).__name__ == "LowRank" and after.fusion.order == before.fusion.order
    late = config.load(f"{mfeat}:late", ["task.model.fusion.use=fusion.decision_max"]).task.model
    assert type(late.fusion).__name__ == "DecisionMax" and late.fusion.order == before.fusion.order
    with pytest.raises(ConfigError, match=r"low_renk.*low_rank"):
        config.load(mfeat, ["task.model.fusion.use=fusion.low_renk"])


def test_a_number_stays_text_where_the_file_wants_text():
    with pytest.raises(ConfigError, match=r"data\.name is 3 of type int; expected str"):
        config.load(FILE, ["data.name=3"])
    assert config.load(FILE, ["data.name='3'"]).data.name == "3"


def test_a_run_is_rebuilt_from_its_config_json_alone(tmp_path):
    experiment = config.load(FILE, [*overrides(FREE), "optim.rule.use=optim.lion"])
    config.save(experiment, tmp_path)
    (tmp_path / "elsewhere").mkdir()
    shutil.move(tmp_path / config.FILE, tmp_path / "elsewhere")
    assert config.load_run(tmp_path / "elsewhere") == experiment
    assert config.load_run(tmp_path / "elsewhere", ["seed=9"]).seed == 9


def test_config_json_holds_every_default(tmp_path):
    config.save(config.load(FILE), tmp_path)
    saved = json.loads((tmp_path / config.FILE).read_text())
    assert saved["guard"] == {"steps": 20} and saved["optim"]["rule"]["b1"] == Adamw().b1
    assert saved["data"]["tokenizer"] == {"use": "data.words", **vars(Words(size=32))}
    assert saved["partition"]["use"] == "train.mesh"


@pytest.fixture
def begun(tmp_path):
    """A run folder that has a checkpoint."""
    config.save(config.load(FILE), tmp_path)
    (tmp_path / "checkpoints/3").mkdir(parents=True)
    (tmp_path / "tokenizer.json").write_text("of the first config")
    return tmp_path


def test_a_folder_made_by_another_config_is_refused_with_every_key_that_differs(begun):
    before = (begun / config.FILE).read_text()
    changes = {"steps": 13, "task.length": 1, "optim.schedule.peak": 1.0, "data.batch": 16, "log.every": 9}
    with pytest.raises(ConfigError) as error:
        config.save(config.load(FILE, overrides(changes)), begun)
    assert "differs in data.batch, optim.schedule.peak, steps, task.length;" in str(error.value)
    with pytest.raises(ConfigError, match=r"differs in optim\.rule\.b1, optim\.rule\.b2, .*, optim\.rule\.use"):
        config.save(config.load(FILE, ["optim.rule.use=optim.sgd"]), begun)
    assert (begun / config.FILE).read_text() == before


def test_checkpoints_whose_config_is_gone_are_not_taken_for_those_of_another(begun):
    (begun / config.FILE).unlink()
    with pytest.raises(ConfigError, match=r"holds checkpoints but no config\.json, .*; put it back, or choose"):
        config.save(config.load(FILE), begun)
    assert not (begun / config.FILE).exists()


@pytest.mark.parametrize("key", FREE)
def test_what_does_not_change_the_numbers_may_change_when_a_run_goes_on(begun, key):
    changed = config.load(FILE, [f"{key}={FREE[key]}"])
    assert describe(changed) != describe(config.load(FILE))
    config.save(changed, begun)
    assert config.load_run(begun) == changed
    assert (begun / "tokenizer.json").exists()


def test_a_folder_whose_run_never_saved_may_be_used_with_another_config(begun):
    shutil.rmtree(begun / "checkpoints")
    config.save(config.load(FILE, ["seed=3"]), begun)
    assert config.load_run(begun).seed == 3


def test_what_a_start_that_never_saved_has_fitted_is_fitted_anew_since_its_data_may_be_others_now(begun):
    (begun / "inputs.json").write_text("fitted by that start")
    config.save(config.load(FILE), begun)
    assert (begun / "tokenizer.json").exists() and (begun / "inputs.json").exists()  # a checkpoint means them
    shutil.rmtree(begun / "checkpoints")
    config.save(config.load(FILE), begun)
    assert not (begun / "tokenizer.json").exists() and not (begun / "inputs.json").exists()


def test_differences_name_keys_that_only_one_side_has():
    old = {"a": {"b": 1, "c": [1, 2]}, "d": None}
    assert config.differences(old, {"a": {"b": 1, "c": [1, 3]}, "e": None}) == ["a.c", "d", "e"]
    assert config.differences(old, json.loads(json.dumps(old))) == []


def test_a_config_file_is_found_relative_to_where_the_command_runs(tmp_path, monkeypatch):
    shutil.copy(tiny.CONFIG, tmp_path / "mine.py")
    monkeypatch.chdir(tmp_path)
    assert config.load("mine.py") == config.load(FILE)
    with pytest.raises(ConfigError, match=r"--config=mime\.py: there is no such file; did you mean 'mine\.py'\?"):
        config.load("mime.py")
    assert Path("mine.py").exists()
