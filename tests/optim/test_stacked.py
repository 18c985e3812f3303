"""Layers stacked by scan are trained like the same layers in a loop."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from mmjax.optim.adafactor import Adafactor
from mmjax.optim.adamw import Adamw
from mmjax.optim.average import Average
from mmjax.optim.constant import Constant
from mmjax.optim.group import Group
from mmjax.optim.lion import Lion
from mmjax.optim.optimizer import Optimizer
from mmjax.optim.sgd import Sgd
from mmjax.optim.stacked import per_layer

SHAPES = {"kernel": (128, 256), "bias": (256,)}
SIZES = (0.01, 0.1, 1.0)
GROUPS = (("bias$", Group(decay=0.0, layer_decay=0.5)), ("layers", Group(layer_decay=0.5)), (".*", Group()))


def layers(rng, n, shapes, sizes):
    """n layers {name: array}, layer i of the size sizes[i]."""
    return [{k: (sizes[i] * rng.normal(size=s)).astype(np.float32) for k, s in shapes.items()} for i in range(n)]


def loop_form(stack):
    return {f"layers_{i}": dict(layer) for i, layer in enumerate(stack)}


def scan_form(stack):
    return {"layers": {name: np.stack([layer[name] for layer in stack]) for name in stack[0]}}


def five_steps(optimizer, params, grads):
    params, opt = jax.tree.map(jnp.asarray, params), optimizer.init(params)
    step = jax.jit(optimizer.update)
    for g in grads:
        params, opt, _ = step(g, opt, params)
    return jax.tree.map(np.asarray, (params, opt.average))


def both_forms(optimizer):
    """Parameters and averages after 5 steps of stacks of 3 and 2 layers and an embedding, in both forms."""
    rng = np.random.default_rng(1)
    encoder = layers(rng, 3, SHAPES, SIZES)
    decoder = layers(rng, 2, SHAPES, SIZES[1:])
    table = rng.normal(size=(5, 4)).astype(np.float32)
    pulls = [
        (
            layers(rng, 3, SHAPES, (3.0, 0.2, 1.0)),
            layers(rng, 2, SHAPES, (1.0, 10.0)),
            rng.normal(size=(5, 4)).astype(np.float32),
        )
        for _ in range(5)
    ]

    def tree(form, encoder, decoder, table):
        return {"encoder": form(encoder), "decoder": {"stack": form(decoder)}, "embed": {"table": table}}

    results = []
    for form in (loop_form, scan_form):
        grads = [tree(form, *pull) for pull in pulls]
        results.append(five_steps(optimizer, tree(form, encoder, decoder, table), grads))
    return results


def restack(tree):
    stacks = ((tree["encoder"], 3), (tree["decoder"]["stack"], 2))
    encoder, decoder = (scan_form([part[f"layers_{i}"] for i in range(n)]) for part, n in stacks)
    return {"encoder": encoder, "decoder": {"stack": decoder}, "embed": tree["embed"]}


@pytest.mark.parametrize(
    "rule",
    [Adamw(decay=0.1), Adafactor(decay=0.1), Sgd(decay=0.1), Lion(decay=0.1)],
    ids=lambda r: type(r).__name__,
)
def test_loop_equals_scan_after_five_steps_with_layer_wise_decay_and_decay_masks(rule):
    optimizer = Optimizer(rule, Constant(0.01), groups=GROUPS, clip=20.0, average=Average(0.9))
    (loop, loop_average), (scan, scan_average) = both_forms(optimizer)
    for given, expected in ((scan, restack(loop)), (scan_average, restack(loop_average))):
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6), given, expected)


def test_an_adafactor_step_has_each_layers_size_where_optax_on_the_whole_stack_gives_all_one_size():
    signs = np.sign(np.random.default_rng(2).normal(size=(2, 128, 256))).astype(np.float32)
    weights = signs * np.array([0.01, 0.1], np.float32)[:, None, None]
    params, grads = {"layers": {"kernel": weights}}, {"layers": {"kernel": np.ones_like(weights)}}

    def moved(updates):
        return np.sqrt((np.asarray(updates["layers"]["kernel"], np.float64) ** 2).mean(axis=(1, 2)))

    ours = per_layer(Adafactor().direction())
    updates, _ = ours.update(grads, ours.init(params), params)
    np.testing.assert_allclose(moved(updates), [0.01, 0.1], rtol=1e-4)

    theirs = optax.adafactor(1.0)
    updates, _ = theirs.update(grads, theirs.init(jax.tree.map(jnp.asarray, params)), params)
    np.testing.assert_allclose(moved(updates), [0.071, 0.071], rtol=1e-2)


def test_adafactor_clips_the_layer_whose_gradient_jumps_and_not_its_neighbours():
    rng = np.random.default_rng(3)
    first, second = (rng.normal(size=(2, 128, 256)).astype(np.float32) for _ in range(2))
    jump = np.array([1.0, 100.0], np.float32)[:, None, None]
    params = {"layers": {"kernel": np.ones((2, 128, 256), np.float32)}}

    def second_step(scale):
        rule = per_layer(Adafactor().direction())
        state = rule.init(params)
        for g in (first, second * scale):
            updates, state = rule.update({"layers": {"kernel": g}}, state, params)
        return np.asarray(updates["layers"]["kernel"])

    calm, jumped = second_step(np.ones_like(jump)), second_step(jump)
    np.testing.assert_allclose(jumped[0], calm[0], rtol=1e-5)
    assert np.sqrt((jumped[1] ** 2).mean()) == pytest.approx(1.0, rel=1e-3)


def test_a_stack_higher_than_the_factored_size_is_not_factored_over_its_layers():
    params = {"layers": {"kernel": jnp.ones((130, 8, 140))}}
    (factored, *_) = per_layer(Adafactor().direction()).init(params)["stacks_of_130"]
    assert factored.v["layers"]["kernel"].shape == (130, 8, 140)


def test_a_scalar_inside_a_stack_is_an_error_that_names_it():
    with pytest.raises(ValueError, match="'encoder/layers/scale' is a scalar"):
        per_layer(Adamw().direction()).init({"encoder": {"layers": {"scale": jnp.float32(1)}}})
