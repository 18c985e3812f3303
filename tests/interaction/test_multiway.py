"""Multiway layers against loops over modalities, heads and tokens, in both published forms, loop and scan."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mmjax.interaction.multiway import Multiway
from mmjax.nn.depth_init import DepthInit
from mmjax.nn.drop_path import drop_path
from mmjax.nn.stack import to_scan
from mmjax.nn.sub_norm_init import SubNormInit
from tests import reference
from tests.fusion.case import ORDER, B, D, apply, modalities

HEADS, LAYERS = 2, 3
GIVEN = modalities(lengths={"text": 3, "image": 4, "audio": 2})
FORMS = {
    "released": dict(),
    "paper": dict(shared=True, sub_norm=False, joint=2, start=DepthInit(0.3)),
}
EPSILON = 1e-5


def multiway(form, **changes):
    return Multiway(ORDER, **dict(layers=LAYERS, heads=HEADS, hidden=5) | FORMS[form] | changes)


def norm(x, params):
    return reference.layer_norm(x, params, EPSILON)


def fed(x, params, name):
    """The feed-forward of a modality, or the joint one."""
    inner = reference.gelu(reference.dense(norm(x, params[f"{name}_mlp_norm"]), params[f"{name}_mlp"]["up"]))
    if "down_norm" in params[f"{name}_mlp"]:
        inner = norm(inner, params[f"{name}_mlp"]["down_norm"])
    return reference.dense(inner, params[f"{name}_mlp"]["down"])


def attended(x, layer, mask, own):
    """What each modality reads of all, {name: [B, L_m, D]}; mask [B, L, L]."""
    maps = {name: layer[f"{name}_attention" if own else "attention"] for name in x}
    norms = {name: layer[f"{name}_attention_norm" if own else "attention_norm"] for name in x}
    inner = {name: norm(one, norms[name]) for name, one in x.items()}
    parts = {
        kind: np.concatenate([reference.dense(inner[name], maps[name][kind]) for name in x], axis=1)
        for kind in ("query", "key", "value")
    }
    query, key, value = (np.stack(np.split(part, HEADS, axis=-1), axis=2) for part in parts.values())
    bias = np.zeros((HEADS, *mask.shape[1:]))
    read, _ = reference.attend(query, key, value, mask, bias, (D // HEADS) ** -0.5)
    read = np.concatenate([read[:, :, h] for h in range(HEADS)], axis=-1)
    out, start = {}, 0
    for name, one in x.items():
        mine = read[:, start : start + one.shape[1]]
        if "out_norm" in maps[name]:
            mine = norm(mine, maps[name]["out_norm"])
        out[name], start = reference.dense(mine, maps[name]["out"]), start + one.shape[1]
    return out


def by_loops(params, form, given, mask=None):
    own, joint = not FORMS[form].get("shared", False), FORMS[form].get("joint", 0)
    x = {name: np.where(given[name].mask[..., None], given[name].x, 0) for name in ORDER if name in given}
    real = np.concatenate([given[name].mask for name in x], axis=1)
    seen = np.repeat(real[:, None], real.shape[1], axis=1) & (True if mask is None else mask)
    whole = np.all([given[name].mask.any(1) for name in x], axis=0) & (len(x) == len(ORDER))
    for i in range(LAYERS):
        top = i - (LAYERS - joint)
        layer = params["joint_stack"][f"layers_{top}"] if top >= 0 and joint else params["stack"][f"layers_{i}"]
        read = attended(x, layer, seen, own)
        x = {name: one + read[name] for name, one in x.items()}
        more = {name: fed(one, layer, name) for name, one in x.items()}
        if top >= 0 and joint and len(x) == len(ORDER):
            for name, one in x.items():
                more[name][whole] = fed(one, layer, "joint")[whole]
        x = {name: one + more[name] for name, one in x.items()}
    return {name: norm(one, params[f"{name}_norm" if own else "norm"]) for name, one in x.items()}


def same(found, wanted, given):
    assert found.keys() == wanted.keys()
    for name, one in wanted.items():
        np.testing.assert_allclose(found[name].x[given[name].mask], one[given[name].mask], atol=2e-4)


@pytest.mark.parametrize("form", FORMS)
def test_all_or_some_modalities_attend_together_and_are_fed_forward_apart(form):
    params, found, _ = apply(multiway(form), GIVEN)
    same(found, by_loops(params, form, GIVEN), GIVEN)
    some = {name: GIVEN[name] for name in ("audio", "text")}
    run = reference.compiled(
        lambda given, mask=None: multiway(form).apply({"params": params}, given, train=False, mask=mask)
    )
    same(run(some), by_loops(params, form, some), some)
    mask = np.random.default_rng(0).random((B, 9, 9)) < 0.6
    same(run(GIVEN, mask), by_loops(params, form, GIVEN, mask), GIVEN)


@pytest.mark.parametrize("form", FORMS)
def test_without_the_last_norm_what_it_would_be_given_is_given(form):
    params, found, _ = apply(multiway(form), GIVEN)
    norms = {name: params["norm" if form == "paper" else f"{name}_norm"] for name in ORDER}
    bare = reference.compiled(
        lambda params: multiway(form, end_norm=False).apply({"params": params}, GIVEN, train=False)
    )(params)
    same(found, {name: norm(np.asarray(one.x), norms[name]) for name, one in bare.items()}, GIVEN)
    assert np.abs(bare["text"].x - found["text"].x).max() > 0.01


@pytest.mark.parametrize("form", FORMS)
def test_scanned_layers_are_those_of_the_loop_and_start_alike(form):
    params, found, _ = apply(multiway(form), GIVEN)
    scanned = multiway(form, scan=True)
    again = reference.compiled(lambda params: scanned.apply({"params": params}, GIVEN, train=False))(to_scan(params))
    same(again, {name: one.x for name, one in found.items()}, GIVEN)
    for scan in (False, True):
        module = multiway(form, scan=scan, layers=3, hidden=64)
        fresh = jax.jit(lambda module=module: module.init(jax.random.key(0), GIVEN, train=False))()["params"]
        fresh = fresh if scan else to_scan(fresh)
        stack = fresh["joint_stack" if form == "paper" else "stack"]["layers"]["text_mlp"]
        down = np.asarray(stack["down"]["kernel"]).std(axis=(1, 2))
        if form == "paper":  # layers 2 and 3 of 3, of a normal that is cut at two deviations
            np.testing.assert_allclose(down, 0.3 * 0.88 / np.sqrt([4, 6]), rtol=0.15)
        else:
            np.testing.assert_allclose(down, np.sqrt(2 * np.log(6) / (64 + D)), rtol=0.15)


def test_queries_start_as_xavier_and_values_larger_the_more_layers():
    for name, gain in (("query", 1), ("value", np.log(24))):
        drawn = SubNormInit()(name, 3, 12)(jax.random.key(0), (300, 200))
        assert float(drawn.std()) == pytest.approx(np.sqrt(2 * gain / 500), rel=0.02)
    with pytest.raises(ValueError, match="deviation is 0; expected a number above 0"):
        DepthInit(0)


def test_a_branch_is_left_out_for_an_example_as_a_whole_and_stands_for_itself_on_the_mean():
    branches = [np.ones((4000, 2, 3), np.float32), 2 * np.ones((4000, 1, 3), np.float32)]
    one, other = drop_path(jax.random.key(0), branches, jnp.float32(0.25))
    np.testing.assert_array_equal(other[:, 0], 2 * one[:, 0])
    np.testing.assert_allclose(np.unique(one), [0, 4 / 3], rtol=1e-5)
    assert float(one.mean()) == pytest.approx(1, abs=0.03)
    module = multiway("released", drop_path=0.9)
    params, found, _ = apply(module, GIVEN)
    run = reference.compiled(lambda key: module.apply({"params": params}, GIVEN, train=True, rngs={"dropout": key}))
    assert any(np.abs(run(jax.random.key(n))["text"].x - found["text"].x).max() > 1e-3 for n in range(3))


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        (dict(drop_path=1.0), r"drop_path is 1\.0; expected a share in \[0, 1\)"),
        (dict(joint=4), "joint is 4; expected 0 to 3, the number of layers"),
        (dict(layers=0), "layers is 0; expected at least 1"),
    ],
)
def test_what_cannot_be_built_is_told(fields, told):
    with pytest.raises(ValueError, match=told):
        multiway("released", **fields)
