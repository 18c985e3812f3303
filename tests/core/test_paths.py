"""Parameter paths: trees as flat dicts and back, ordered rules, and the two forms of a stack."""

import numpy as np
import pytest

from mmjax.core import paths

TREE = {"vit": {"layers_0": {"kernel": 1, "bias": 2}, "layers_10": {"kernel": 3}}, "embed": 4, "norm": {"scale": 5}}
FLAT = {
    "vit/layers_0/kernel": 1,
    "vit/layers_0/bias": 2,
    "vit/layers_10/kernel": 3,
    "embed": 4,
    "norm/scale": 5,
}


def grown(rng: np.random.Generator, depth: int = 0) -> dict:
    """A random tree whose names hold no slash and whose mappings are not empty."""
    names = rng.choice(list("abcdefg"), size=rng.integers(1, 4), replace=False)
    deep = depth < 3
    return {
        str(name): grown(rng, depth + 1) if deep and rng.random() < 0.5 else int(rng.integers(100)) for name in names
    }


def test_a_tree_is_flattened_to_the_names_from_root_to_leaf():
    assert paths.flatten(TREE) == FLAT
    assert paths.unflatten(FLAT) == TREE


@pytest.mark.parametrize("seed", range(10))
def test_unflatten_undoes_flatten_and_merge_undoes_split(seed):
    rng = np.random.default_rng(seed)
    tree = grown(rng)
    flat = paths.flatten(tree)
    assert paths.unflatten(flat) == tree
    chosen = [path for path in flat if rng.random() < 0.5]
    inside, outside = paths.split(tree, chosen)
    assert set(paths.flatten(inside)) == set(chosen)
    assert set(paths.flatten(outside)) == set(flat) - set(chosen)
    assert paths.merge(inside, outside) == paths.merge(outside, inside) == tree


def test_arrays_lists_and_none_are_leaves():
    tree = {"a": {"b": None, "c": [1, 2]}, "d": np.arange(2)}
    flat = paths.flatten(tree)
    assert flat["a/b"] is None
    assert flat["a/c"] == [1, 2]
    assert flat["d"] is tree["d"]


def test_where_two_trees_hold_the_same_path_the_later_one_counts():
    assert paths.merge({"a": {"b": 1, "c": 2}}, {"a": {"b": 3}}) == {"a": {"b": 3, "c": 2}}


def test_map_paths_gives_the_function_each_path_with_its_leaf():
    found = paths.map_paths(lambda path, x: f"{path}:{x}", {"a": {"b": 1}, "c": 2})
    assert found == {"a": {"b": "a/b:1"}, "c": "c:2"}


def test_the_first_rule_found_anywhere_in_a_path_decides_it():
    rules = (("bias$", "none"), ("layers_0/", "slow"), (r"^vit/", "fast"), (".*", "rest"))
    assert paths.match(rules, FLAT) == {
        "vit/layers_0/kernel": "slow",
        "vit/layers_0/bias": "none",
        "vit/layers_10/kernel": "fast",
        "embed": "rest",
        "norm/scale": "rest",
    }


def test_a_path_that_no_rule_covers_is_named_with_the_rules():
    with pytest.raises(ValueError, match=r"'embed' and 1 more \(rules: '\^vit/'\); end with a rule for '\.\*'"):
        paths.match((("^vit/", 1),), FLAT)
    with pytest.raises(ValueError, match=r"covers parameter 'norm/scale' \("):
        paths.match((("^vit/", 1), ("embed", 1)), FLAT)
    with pytest.raises(ValueError, match="none given"):
        paths.match((), FLAT)


@pytest.mark.parametrize("idle", ["decoder", "layers_0/bias"])
def test_a_rule_that_decides_nothing_is_named_whether_it_is_absent_or_comes_too_late(idle):
    with pytest.raises(ValueError, match=f"rule '{idle}' decides no parameter"):
        paths.match((("^vit/", 1), (idle, 2), (".*", 3)), FLAT)


def test_a_last_rule_for_everything_may_find_nothing_left():
    assert paths.match((("a", 1), (".*", 2)), ["a"]) == {"a": 1}
    assert paths.match((("a", 1),), []) == {}


def test_a_pattern_that_is_no_regular_expression_is_named():
    with pytest.raises(ValueError, match=r"rule '\(vit' is not a regular expression: missing \)"):
        paths.match((("(vit", 1), (".*", 2)), FLAT)


@pytest.mark.parametrize(
    ("path", "index", "scan", "stack"),
    [
        ("encoder/layers_0/mlp/kernel", 0, False, "encoder/layers/mlp/kernel"),
        ("layers_12", 12, False, "layers"),
        ("encoder/layers/mlp/kernel", None, True, "encoder/layers/mlp/kernel"),
        ("layers/kernel", None, True, "layers/kernel"),
        ("my_layers_3/kernel", None, False, "my_layers_3/kernel"),
        ("layers_norm/scale", None, False, "layers_norm/scale"),
        ("players/kernel", None, False, "players/kernel"),
        ("layers_2b/kernel", None, False, "layers_2b/kernel"),
    ],
)
def test_loop_and_scan_forms_are_told_by_whole_names(path, index, scan, stack):
    assert paths.layer(path) == index
    assert paths.stacked(path) is scan
    assert paths.stack(path) == stack


def test_one_layer_of_a_stack_has_the_path_of_the_loop_form():
    assert paths.at_layer("encoder/layers/mlp/kernel", 3) == "encoder/layers_3/mlp/kernel"
    assert paths.stack(paths.at_layer("layers/kernel", 11)) == "layers/kernel"
    assert paths.layer(paths.at_layer("layers/kernel", 11)) == 11
