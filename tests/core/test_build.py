"""Configs become objects or one clear line: names and types are checked, defaults are written out, nothing is lost."""

import dataclasses
import json
import re
from collections.abc import Mapping

import pytest
from flax import linen as nn
from ml_collections import ConfigDict

from mmjax.core import build as builder
from mmjax.core.build import ConfigError, build, choose, describe, experiment, nearest, use
from mmjax.encoders.vit import Vit
from mmjax.models.pali import Pali
from mmjax.nn.conv_stem import ConvStem
from mmjax.nn.learned_position import LearnedPosition
from mmjax.nn.mlp import Mlp
from mmjax.optim.adamw import Adamw
from mmjax.optim.constant import Constant
from mmjax.optim.group import Group
from mmjax.optim.optimizer import Optimizer
from mmjax.tasks.generate import Generate
from mmjax.train.experiment import Checkpoint, Experiment
from mmjax.train.init_from import InitFrom

TRUNK = dict(layers=1, heads=2, head_dim=4, hidden=16)


def vit(**changes):
    fields = dict(dim=8, layers=1, heads=2, hidden=16, stem=use("nn.conv_stem", widths=(8, 16), dim=8))
    return use("encoders.vit", **(fields | {"position": use("nn.learned_position")} | changes))


DATA = use("data.pictures", name="mine", tokenizer=use("data.words", size=16))


def run(**changes):
    """The config of a whole run."""
    model = use(
        "models.pali",
        vocab=16,
        dim=8,
        image=vit(),
        encoder=use("nn.t5_encoder", **TRUNK),
        decoder=use("decode.t5_decoder", **TRUNK),
    )
    groups = (("bias$", use("optim.group", decay=0.0)), (".*", use("optim.group")))
    optim = use("optim.optimizer", rule=use("optim.adamw"), schedule=use("optim.constant", peak=0.1), groups=groups)
    fields = dict(task=use("tasks.generate", model=model, length=2), data=DATA, optim=optim, steps=3)
    return experiment(**(fields | changes))


def test_use_names_a_class_by_its_file_and_build_makes_it_with_what_it_holds():
    assert build(use("nn.mlp", hidden=4)) == Mlp(hidden=4)
    made = build(vit(dropout=0.1))
    expected = dict(dim=8, layers=1, heads=2, hidden=16, stem=ConvStem((8, 16), 8), position=LearnedPosition())
    assert made == Vit(**expected, dropout=0.1)


def test_a_whole_run_is_built_with_the_defaults_that_stand_beside_the_code():
    made = build(run(checkpoint=dict(every=7), init_from=dict(workdir="somewhere")))
    assert isinstance(made, Experiment)
    assert isinstance(made.task.model, Pali)
    groups = (("bias$", Group(decay=0.0)), (".*", Group()))
    assert made.optim == Optimizer(rule=Adamw(), schedule=Constant(peak=0.1), groups=groups)
    assert made.checkpoint == Checkpoint(every=7, keep=2, best=None)
    assert made.init_from == InitFrom(workdir="somewhere")


def test_lists_become_tuples_and_mappings_dicts_at_every_depth():
    assert build(use("nn.conv_stem", widths=[8, 16], dim=8)) == ConvStem((8, 16), 8)
    node = ConfigDict({"a": [1, [2, 3]], "b": {"c": (use("nn.mlp", hidden=1),)}}, convert_dict=False)
    made = build(node)
    assert made == {"a": (1, (2, 3)), "b": {"c": (Mlp(hidden=1),)}}
    assert type(made) is type(made["b"]) is dict


def test_a_plain_mapping_is_the_fields_of_the_dataclass_wanted_there_and_names_of_others_where_a_mapping_is_wanted():
    assert build({"every": 5}, hint=Checkpoint) == Checkpoint(every=5)
    assert build({"decay": 0.5}, hint=Group | None) == Group(decay=0.5)
    assert build({"decay": use("optim.group")}, hint=Mapping[str, Group]) == {"decay": Group()}


def test_a_described_object_goes_through_json_and_is_built_again_the_same():
    made = build(run(init_from=dict(workdir="somewhere", rules=(("head", None),)), log=dict(every=2)))
    text = json.dumps(describe(made))
    assert build(json.loads(text)) == made
    assert json.loads(json.dumps(describe(build(json.loads(text))))) == json.loads(text)


def test_a_description_writes_out_every_default_and_names_a_class_by_its_file_where_it_can():
    group = {"use": "optim.group", "rate": 1.0, "decay": None, "layer_decay": None, "warmup": 0, "frozen": False}
    assert describe(Group()) == group
    assert describe(Checkpoint()) == {"every": 100, "keep": 2, "best": None}
    assert describe(Mlp(hidden=3, name="mlp")) == {
        "use": "nn.mlp",
        "hidden": 3,
        "approximate": True,
        "norm": None,
        "start": None,
    }


def test_what_a_task_learns_from_its_data_is_no_field_of_its_config():
    bound = dataclasses.replace(Generate(model=Mlp(hidden=1), length=2))
    object.__setattr__(bound, "vocabulary", object())
    fields = {field.name for field in dataclasses.fields(Generate) if field.init}
    assert set(describe(bound)) == {"use", *fields} and not {"vocabulary", "sources"} & fields


@pytest.mark.parametrize(
    ("node", "message"),
    [
        (
            use("nn.mlp", hiden=4),
            "Mlp has no field 'hiden'; it accepts approximate, hidden, norm, start; did you mean 'hidden'?",
        ),
        (use("nn.mlp", hidden=4, name="x"), "Mlp has no field 'name'; it accepts approximate, hidden"),
        (use("nn.mlp"), "Mlp needs the field 'hidden'; it accepts approximate, hidden"),
        (use("nn.mlp", hidden=4.0), "hidden is 4.0 of type float; expected int"),
        (use("nn.mlp", hidden="4"), "hidden is '4' of type str; expected int"),
        (use("nn.mlp", hidden=True), "hidden is True of type bool; expected int"),
        (use("nn.mlp", hidden=None), "hidden is None of type NoneType; expected int"),
        (use("nn.mlp", hidden=4, approximate=1), "approximate is 1 of type int; expected bool"),
        (use("optim.group", rate=False), "rate is False of type bool; expected float"),
        (use("optim.group", layer_decay=True), "layer_decay is True of type bool; expected float | None"),
        (use("nn.conv_stem", widths=(True, 8), dim=8), "widths is (True, 8) of type tuple; expected tuple[int, ...]"),
        (use("nn.conv_stem", widths=(4, "8"), dim=8), "widths is (4, '8') of type tuple; expected tuple[int, ...]"),
        (use("nn.conv_stem", widths=4, dim=8), "widths is 4 of type int; expected tuple[int, ...]"),
        (
            use("models.compose", encoders={"image": use("nn.pool"), "text": 3}, fusion=use("nn.pool")),
            "encoders.text is 3 of type int; expected Module",
        ),
        (vit(stem=3), "stem is 3 of type int; expected Module"),
        (vit(stem=use("optim.group")), "stem is Group(rate=1.0, decay=None, "),
        (vit(heads=3), "Vit: dim 8 does not divide by heads 3"),
        (
            use("tasks.generate", model=use("nn.mlp", hidden=1), length=1, compute="float16"),
            "compute is 'float16' of type",
        ),
    ],
)
def test_a_field_that_does_not_fit_is_one_line_that_names_it_and_what_is_accepted(node, message):
    with pytest.raises(ConfigError) as caught:
        build(node)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("nn.mpl", r"'nn.mpl' names no file of the package, as .*mmjax/fusion/concat.py; did you mean 'nn.mlp'\?"),
        ("Nn.Mlp", "'Nn.Mlp' names no file"),
        ("nn", "'nn' names no file of the package, as"),
        ("os", "'os' names no file"),
        ("nn.masks", "'nn.masks' cannot be used: its file holds no dataclass Masks"),
        ("train.log", "'train.log' cannot be used: its file holds no dataclass Log"),
        (3, "3 names no file of the package"),
    ],
)
def test_a_path_that_names_no_class_is_told_with_the_nearest_that_does(path, message):
    with pytest.raises(ConfigError, match=f"^use: {message}"):
        build(use(path, hidden=1))


def test_an_int_may_stand_where_a_float_is_wanted_and_a_bool_where_anything_goes():
    assert build(use("optim.group", rate=2)) == Group(rate=2)
    assert build({"a": (True, 2)}) == {"a": (True, 2)}


@pytest.mark.parametrize(
    ("change", "key"),
    [
        (lambda c: c.task.model.image.stem.update(width=3), "task.model.image.stem (ConvStem) has no field 'width'"),
        (lambda c: c.task.model.image.update(stem=use("nn.stem")), "task.model.image.stem.use: 'nn.stem' names no"),
        (lambda c: c.task.model.encoder.__delattr__("heads"), "task.model.encoder (T5Encoder) needs the field 'heads'"),
        (lambda c: c.task.model.image.stem.update(widths=(4, "8")), "task.model.image.stem.widths is (4, '8') of type"),
        (lambda c: c.task.model.image.update(heads=3), "task.model.image (Vit): dim 8 does not divide"),
        (lambda c: c.optim.groups[1][1].update(rat=1.0), "optim.groups[1][1] (Group) has no field 'rat'"),
        (lambda c: c.optim.groups[0][1].update(rate=-1.0), "optim.groups[0][1] (Group): rate is -1.0"),
        (lambda c: c.update(checkpoint={"evry": 1}), "checkpoint (Checkpoint) has no field 'evry'"),
        (lambda c: c.update(checkpoint={"every": "1"}), "checkpoint.every is '1' of type str; expected int"),
        (lambda c: c.update(sead=1), "Experiment has no field 'sead'; it accepts"),
        (lambda c: c.update(steps=0), "Experiment: steps is 0; expected at least 1"),
    ],
)
def test_an_error_deep_in_a_config_names_the_key_as_an_override_would_write_it(change, key):
    config = run()
    change(config)
    with pytest.raises(ConfigError) as caught:
        build(config)
    assert str(caught.value).startswith(key)


def test_an_error_inside_an_imported_file_is_not_taken_for_a_missing_class(tmp_path, monkeypatch):
    (tmp_path / "broken.py").write_text("import os\nos.no_such_thing\n")
    monkeypatch.setattr("mmjax.nn.__path__", [*__import__("mmjax.nn").nn.__path__, str(tmp_path)])
    monkeypatch.setattr(builder, "_files", lambda: frozenset({"nn.broken"}))
    with pytest.raises(AttributeError, match="no_such_thing"):
        build(use("nn.broken"))


def test_a_node_is_a_config_that_can_be_changed_by_key_and_written_as_json():
    node = run()
    node.task.model.image.stem.widths = (8, 8)
    node.optim.schedule.peak = 0.5
    made = build(json.loads(node.to_json()))
    assert made.task.model.image.stem == ConvStem((8, 8), 8)
    assert made.optim.schedule == Constant(peak=0.5)


def test_fields_may_be_called_as_the_argument_of_use_is_but_not_as_its_key():
    assert use("data.tokenizer_file", path="here").path == "here"
    with pytest.raises(ConfigError, match="no field may be called 'use'"):
        use("nn.mlp", **{"use": 1})


def test_the_root_of_a_config_is_the_experiment():
    assert experiment(steps=1).use == "train.experiment"


def test_a_variant_is_chosen_by_name_and_an_unknown_one_lists_those_there_are():
    assert choose("smoke", base=dict(dim=2), smoke=dict(dim=1)) == dict(dim=1)
    message = "no variant 'smok'; there are base, smoke; did you mean 'smoke'?"
    with pytest.raises(ConfigError, match=re.escape(message)):
        choose("smok", base=1, smoke=2)


def test_the_nearest_name_is_offered_only_where_one_is_near():
    assert nearest("hiden", ["hidden", "heads"]) == "; did you mean 'hidden'?"
    assert nearest("zzz", ["hidden", "heads"]) == ""


def test_every_class_that_the_package_can_name_is_found_under_its_own_description():
    for made in (Mlp(hidden=1), Group(), Adamw(), Constant(peak=1.0), LearnedPosition()):
        assert builder.locate(describe(made)["use"]) is type(made)
    assert isinstance(build(use("nn.learned_position")), nn.Module)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_number_that_is_not_finite_is_refused_by_its_key(value):
    with pytest.raises(ConfigError, match=rf"^optim\.peak is {value}; expected a finite number"):
        build(use("optim.warmup_cosine", peak=value, warmup=1), "optim")
