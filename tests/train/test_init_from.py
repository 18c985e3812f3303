"""A run that starts from another run's parameters: what is taken, renamed, resized, fresh or an error, and told."""

from functools import partial

import jax
import numpy as np
import pytest

from mmjax.core import paths
from mmjax.optim.group import Group
from mmjax.train.checkpoint import Checkpoints
from mmjax.train.init_from import InitFrom
from mmjax.train.loop import Run
from mmjax.train.mesh import Mesh
from mmjax.train.pmap import Pmap
from mmjax.train.state import create
from tests.train.toy import Toy, experiment, optimizer, points


def tree(seed, **shapes):
    """Nested parameters of these shapes; `__` in a name stands for /."""
    rng = np.random.default_rng(seed)
    return paths.unflatten(
        {name.replace("__", "/"): rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    )


@pytest.fixture
def saved(tmp_path):
    """Writes parameters as the checkpoint of a run at a step, and returns the run's folder."""

    def write(params, step=7, average=None):
        state = create(Toy(), optimizer(), 0, points((1,), 8))
        opt = state.opt.replace(average=average)
        checkpoints = Checkpoints(tmp_path, keep=9)
        checkpoints.save(state.replace(step=np.int32(step), params=params, opt=opt), step)
        checkpoints.close()
        return str(tmp_path)

    return write


def bilinear(table, height, width):
    """A table [h, w, D] enlarged, output by output: pixel centres at (i + 0.5) * h / height - 0.5, borders held."""
    h, w, depth = table.shape
    out = np.zeros((height, width, depth))
    for i in range(height):
        for j in range(width):
            y, x = ((i + 0.5) * h / height - 0.5, (j + 0.5) * w / width - 0.5)
            y, x = min(max(y, 0), h - 1), min(max(x, 0), w - 1)
            top, left = min(int(y), h - 2), min(int(x), w - 2)
            a, b = y - top, x - left
            out[i, j] = (1 - a) * ((1 - b) * table[top, left] + b * table[top, left + 1])
            out[i, j] += a * ((1 - b) * table[top + 1, left] + b * table[top + 1, left + 1])
    return out


def test_what_has_the_same_path_is_taken_and_the_table_tells_where_each_parameter_came_from(saved):
    old = tree(1, body__kernel=(3, 4), body__bias=(4,), old_head__kernel=(4, 2))
    fresh = tree(2, body__kernel=(3, 4), body__bias=(4,), head__kernel=(4, 5))
    params, rows = InitFrom(saved(old), rules=(("^head", None),))(fresh)
    np.testing.assert_array_equal(params["body"]["kernel"], old["body"]["kernel"])
    np.testing.assert_array_equal(params["body"]["bias"], old["body"]["bias"])
    np.testing.assert_array_equal(params["head"]["kernel"], fresh["head"]["kernel"])
    assert sorted(rows) == [
        ("body/bias", "taken", "body/bias"),
        ("body/kernel", "taken", "body/kernel"),
        ("head/kernel", "fresh", ""),
        ("old_head/kernel", "skipped", "not in this model"),
    ]


def test_a_rule_renames_what_it_finds_and_the_first_that_finds_anything_counts(saved):
    old = tree(1, vit__layers_0__kernel=(2, 2), vit__layers_1__kernel=(2, 2), norm__scale=(3,))
    fresh = tree(2, image__layers_0__kernel=(2, 2), image__layers_1__kernel=(2, 2), norm__scale=(3,))
    rules = (("^image/layers_1", "vit/layers_0"), ("^image/layers_(.)", r"vit/layers_\1"), ("^norm", None))
    params, rows = InitFrom(saved(old), rules=rules)(fresh)
    for layer in ("layers_0", "layers_1"):
        np.testing.assert_array_equal(params["image"][layer]["kernel"], old["vit"]["layers_0"]["kernel"])
    np.testing.assert_array_equal(params["norm"]["scale"], fresh["norm"]["scale"])
    assert ("image/layers_1/kernel", "taken", "vit/layers_0/kernel") in rows
    assert ("vit/layers_1/kernel", "skipped", "not in this model") in rows


def test_a_position_table_of_another_grid_is_resized_bilinearly(saved):
    old = tree(1, image__position__table=(3, 4, 5))
    params, rows = InitFrom(saved(old))(tree(2, image__position__table=(6, 7, 5)))
    expected = bilinear(old["image"]["position"]["table"], 6, 7)
    np.testing.assert_allclose(params["image"]["position"]["table"], expected, atol=1e-6)
    assert rows == [("image/position/table", "resized", "image/position/table (3, 4, 5) -> (6, 7, 5)")]


@pytest.mark.parametrize(
    ("old", "fresh", "message"),
    [
        (
            {"a": (3, 4)},
            {"a": (4, 3)},
            r"'a' has shape \(4, 3\), but 'a' of .* has \(3, 4\).*add the rule \('a', None\)",
        ),
        ({"a": (3,)}, {"b": (3,)}, r"has no parameter 'b' for 'b'; add a rule that renames it, or \('b', None\)"),
        (
            {"position__table": (2, 2, 3)},
            {"position__table": (2, 2, 4)},
            r"'position/table' has shape \(2, 2, 4\), but .* has \(2, 2, 3\)",
        ),
    ],
    ids=["shape", "no such parameter", "width of a table"],
)
def test_a_mismatch_that_no_rule_allows_is_an_error_that_says_which_rule_would(saved, old, fresh, message):
    with pytest.raises(ValueError, match=message):
        InitFrom(saved(tree(1, **old)))(tree(2, **fresh))


def test_a_rule_that_decides_nothing_or_is_no_pattern_is_an_error(saved):
    folder = saved(tree(1, body__kernel=(3, 4)))
    with pytest.raises(ValueError, match=r"rule \('boddy', None\) decides no parameter of the new model"):
        InitFrom(folder, rules=(("boddy", None),))(tree(2, body__kernel=(3, 4)))
    with pytest.raises(ValueError, match=r"init_from: '\(' is not a regular expression"):
        InitFrom(folder, rules=(("(", None),))


def test_a_rule_that_decides_nothing_and_a_pattern_that_is_none_are_errors(saved):
    folder = saved(tree(0, body__kernel=(2, 3)))
    with pytest.raises(ValueError, match=r"rule \('\^boddy/', None\) decides no parameter of the new model"):
        InitFrom(folder, rules=(("^boddy/", None),))(tree(1, body__kernel=(2, 3)))
    with pytest.raises(ValueError, match=r"'\(' is not a regular expression"):
        InitFrom(folder, rules=(("(", None),))


@pytest.mark.parametrize("source", [r"\2", r"\g<name>", r"\q"])
def test_a_rule_whose_source_cannot_be_made_is_named_when_it_is_written(source):
    with pytest.raises(ValueError, match=r"init_from: rule \('\^image/', '.*'\) names no path: ") as error:
        InitFrom("runs/x", rules=(("^image/", source),))
    assert repr(source) in str(error.value)


def test_whether_there_is_something_to_start_from_is_told_without_reading_it(tmp_path, saved):
    with pytest.raises(ValueError, match=r"absent' is no folder; .* train that first"):
        InitFrom(str(tmp_path / "absent")).check()
    with pytest.raises(OSError, match="holds no checkpoint yet"):
        InitFrom(str(tmp_path)).check()
    assert not list(tmp_path.iterdir())
    folder = saved(tree(1, body__kernel=(3, 4)))
    InitFrom(folder, step=7).check()
    with pytest.raises(OSError, match="no checkpoint at step 4; it has 7"):
        InitFrom(folder, step=4).check()


def test_a_folder_alone_is_enough_to_start_from(tmp_path):
    assert experiment(init_from=str(tmp_path)).init_from == InitFrom(str(tmp_path))


def test_the_moving_average_is_what_is_taken_and_a_step_can_be_chosen(saved):
    trained, average, fresh = (tree(seed, body__kernel=(3, 4), body__frozen=(2,)) for seed in (1, 2, 3))
    folder = saved(trained, step=3)
    del average["body"]["frozen"]  # what is frozen has no average
    saved(trained, step=5, average=average)
    params, _ = InitFrom(folder)(fresh)
    np.testing.assert_array_equal(params["body"]["kernel"], average["body"]["kernel"])
    np.testing.assert_array_equal(params["body"]["frozen"], trained["body"]["frozen"])
    params, _ = InitFrom(folder, step=3)(fresh)
    np.testing.assert_array_equal(params["body"]["kernel"], trained["body"]["kernel"])
    with pytest.raises(OSError, match="no checkpoint at step 4; it has 3, 5"):
        InitFrom(folder, step=4)(fresh)


def test_a_folder_that_is_not_there_or_holds_no_checkpoint_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"init_from\.workdir '.*absent' is no folder"):
        InitFrom(str(tmp_path / "absent"))({})
    with pytest.raises(OSError, match="holds no checkpoint yet"):
        InitFrom(str(tmp_path))({})
    assert not list(tmp_path.iterdir())


def test_a_run_begins_with_the_parameters_taken_tells_the_table_and_resumes_without_them(tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir(), second.mkdir()
    with Run(experiment(), first, print) as running:
        before, _, _ = running.train()
        before = jax.device_get(before)
    frozen = optimizer(groups=(("dense_0", Group(frozen=True)), (".*", Group())))
    said = []
    rules = (("dense_1", None),)
    changes = {"optim": frozen, "seed": 5, "init_from": InitFrom(str(first), rules=rules)}
    with Run(experiment(steps=3, **changes), second, said.append) as running:
        state, _, _ = running.train()
    # Frozen, so it still is what was taken: the average of the run before.
    for name in ("kernel", "bias"):
        np.testing.assert_array_equal(state.params["dense_0"][name], before.opt.average["dense_0"][name])
    fresh = jax.jit(partial(create, Toy(), frozen, 5))(points((5, 0), 8)).params["dense_1"]["kernel"]
    assert 0 < np.abs(state.params["dense_1"]["kernel"] - fresh).max() < 0.2
    assert [line.split() for line in said] == [
        ["dense_0/bias", "taken", "dense_0/bias"],
        ["dense_0/kernel", "taken", "dense_0/kernel"],
        ["dense_1/bias", "fresh"],
        ["dense_1/kernel", "fresh"],
        ["dense_1/bias", "skipped", "not", "in", "this", "model"],
        ["dense_1/kernel", "skipped", "not", "in", "this", "model"],
    ]
    said.clear()
    with Run(experiment(steps=4, **changes), second, said.append) as running:
        running.train()
    assert said == ["goes on from step 3 of 4"]


def test_the_average_of_a_run_begins_with_the_parameters_taken(tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir(), second.mkdir()
    with Run(experiment(), first, print) as running:
        running.train()
    with Run(experiment(init_from=InitFrom(str(first))), second, lambda line: None) as running:
        state, position = running._start()
    jax.tree.map(np.testing.assert_array_equal, state.opt.average, state.params)
    assert position == 0 and int(state.step) == 0


def test_runs_that_share_words_must_turn_them_into_ids_alike(tmp_path):
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir(), new.mkdir()
    (old / "words.json").write_text("a b"), (new / "words.json").write_text("a b")
    InitFrom(str(old)).check_words(new, ["words.json", "others.json"])
    (new / "words.json").write_text("b a")
    with pytest.raises(ValueError, match=r"another tokenizer than .*new has; set data\.tokenizer to the file .*words"):
        InitFrom(str(old)).check_words(new, ["words.json"])
    (new / "words.json").unlink()
    with pytest.raises(ValueError, match="another tokenizer"):
        InitFrom(str(old)).check_words(new, ["words.json"])
    InitFrom(str(old), same_words=False).check_words(new, ["words.json"])


def test_what_is_frozen_must_be_taken_unless_random_parameters_are_asked_for(tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir(), second.mkdir()
    with Run(experiment(steps=1), first, print) as running:
        running.train()
    frozen = optimizer(groups=(("dense_0", Group(frozen=True)), (".*", Group())))
    said = r"optim\.groups freeze 'dense_0/bias' and 1 more, which would start at random .* or set frozen_fresh=True"
    for start in (None, InitFrom(str(first), rules=(("dense_0", None),))):
        with (
            Run(experiment(optim=frozen, init_from=start), second, print) as running,
            pytest.raises(ValueError, match=said),
        ):
            running._start()
    for changes in ({"frozen_fresh": True}, {"init_from": InitFrom(str(first), rules=(("dense_1", None),))}):
        with Run(experiment(optim=frozen, **changes), second, lambda line: None) as running:
            assert int(running._start()[0].step) == 0


@pytest.mark.parametrize("partition", [Mesh(axes={"data": 1}), Pmap(1)], ids=["mesh", "pmap"])
def test_no_state_but_the_runs_own_is_made(tmp_path, partition):
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir(), second.mkdir()
    with Run(experiment(steps=1), first, print) as running:
        running.train()
    changes = {"partition": partition, "init_from": InitFrom(str(first))}
    with Run(experiment(**changes), second, lambda line: None) as running:
        before = {id(x) for x in jax.live_arrays()}
        state, _ = running._start()
        left = [
            x for x in jax.live_arrays() if id(x) not in before and x.shape == state.params["dense_0"]["kernel"].shape
        ]
    kept = [leaf for leaf in jax.tree.leaves((state.params, state.opt)) if leaf.shape == left[0].shape]
    assert len(left) == len(kept) == 4  # the parameter, two moments and its average


def test_a_parameter_may_take_what_was_none_such_as_a_codebook(tmp_path):
    state = create(Toy(), optimizer(), 0, points((1,), 8))
    codes = np.arange(6, dtype=np.float32).reshape(3, 2)
    checkpoints = Checkpoints(tmp_path)
    old = tree(1, body__kernel=(3, 4))
    checkpoints.save(state.replace(params=old, extra={"codebook": {"codes": codes, "share": codes[:, 0]}}), 7)
    checkpoints.close()
    fresh = tree(2, body__kernel=(3, 4), coder__codes=(3, 2))
    params, rows = InitFrom(str(tmp_path), rules=(("^coder/codes$", "extra/codebook/codes"),))(fresh)
    np.testing.assert_array_equal(params["coder"]["codes"], codes)
    assert ("coder/codes", "taken", "extra/codebook/codes") in rows and not any("extra" in path for path, _, _ in rows)


def test_what_one_run_leaves_fresh_is_taken_from_another(tmp_path):
    folders = {}
    for name, old in (("seen", tree(1, image__kernel=(3, 4), text__kernel=(2, 4))), ("said", tree(2, text__bias=(4,)))):
        folders[name] = tmp_path / name
        folders[name].mkdir()
        checkpoints = Checkpoints(folders[name])
        state = create(Toy(), optimizer(), 0, points((1,), 8))
        opt = state.opt.replace(average=None)
        checkpoints.save(state.replace(params=old, opt=opt), 1)
        checkpoints.close()
    fresh = tree(3, image__kernel=(3, 4), text__bias=(4,), head__kernel=(4, 2))
    said = InitFrom(str(folders["said"]), rules=(("^head/", None),))
    params, rows = InitFrom(str(folders["seen"]), rules=(("^(text|head)/", None),), also=said)(fresh)
    np.testing.assert_array_equal(params["image"]["kernel"], tree(1, image__kernel=(3, 4))["image"]["kernel"])
    np.testing.assert_array_equal(params["text"]["bias"], tree(2, text__bias=(4,))["text"]["bias"])
    np.testing.assert_array_equal(params["head"]["kernel"], fresh["head"]["kernel"])
    assert sorted(rows) == [
        ("head/kernel", "fresh", ""),
        ("image/kernel", "taken", "image/kernel"),
        ("text/bias", "taken", "text/bias"),
        ("text/kernel", "skipped", "not in this model"),
    ]
    with pytest.raises(ValueError, match=r"init_from\.workdir .*nowhere' is no folder"):
        InitFrom(str(folders["seen"]), also=InitFrom(str(tmp_path / "nowhere"))).check()
