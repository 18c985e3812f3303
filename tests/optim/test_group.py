"""Groups: multipliers of rate and decay by path, layer-wise decay."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mmjax.core.paths import flatten, unflatten
from mmjax.optim.adamw import Adamw
from mmjax.optim.constant import Constant
from mmjax.optim.group import Group, rates
from mmjax.optim.optimizer import Optimizer
from mmjax.optim.sgd import Sgd


def one_step(groups, params, grads, decay=0.0):
    optimizer = Optimizer(Sgd(momentum=0.0, decay=decay), Constant(0.1), groups=groups)
    new, _, _ = optimizer.update(grads, optimizer.init(params), params)
    return {path: np.asarray(leaf) for path, leaf in flatten(new).items()}


def test_decay_shrinks_kernels_and_leaves_biases_and_norms_where_a_rule_turns_it_off():
    params = {
        "dense": {"kernel": jnp.full((2, 2), 4.0), "bias": jnp.full(2, 4.0)},
        "norm": {"scale": jnp.full(2, 4.0)},
    }
    zeros = {"dense": {"kernel": jnp.zeros((2, 2)), "bias": jnp.zeros(2)}, "norm": {"scale": jnp.zeros(2)}}
    groups = ((r"bias$|(^|/)norm/", Group(decay=0.0)), ("kernel$", Group(decay=0.5)))
    new = one_step(groups, params, zeros, decay=0.2)
    np.testing.assert_allclose(new["dense/kernel"], 4.0 - 0.1 * 0.2 * 0.5 * 4.0, rtol=1e-6)
    np.testing.assert_array_equal(new["dense/bias"], 4.0)
    np.testing.assert_array_equal(new["norm/scale"], 4.0)


def test_decay_left_open_spares_biases_scales_of_norms_embeddings_and_tables_of_positions_alone():
    spared = ["dense/bias", "norm/scale", "embed/embedding", "position/table", "layers/attention/out/bias"]
    shrunk = ["dense/kernel", "head", "queries", "scaled/kernel", "tables/x"]
    params = unflatten({path: jnp.full(2, 4.0) for path in [*spared, *shrunk]})
    zeros = jax.tree.map(jnp.zeros_like, params)
    open_, asked = (one_step(((".*", Group(decay=d)),), params, zeros, decay=0.5) for d in (None, 0.25))
    assert {path: float(leaf[0]) for path, leaf in open_.items()} == {
        **dict.fromkeys(spared, 4.0),
        **dict.fromkeys(shrunk, np.float32(4.0 - 0.1 * 0.5 * 4.0)),
    }
    assert {float(leaf[0]) for leaf in asked.values()} == {np.float32(4.0 - 0.1 * 0.5 * 0.25 * 4.0)}


def test_the_first_rule_that_is_found_counts_and_multiplies_step_and_decay_alike():
    params = {"head": {"kernel": jnp.full(2, 3.0)}, "body": {"kernel": jnp.full(2, 3.0)}}
    grads = {"head": {"kernel": jnp.ones(2)}, "body": {"kernel": jnp.ones(2)}}
    new = one_step((("^head", Group(rate=20.0)), ("kernel", Group(rate=0.5))), params, grads, decay=1.0)
    np.testing.assert_allclose(new["head/kernel"], 3.0 - 0.1 * 20 * (1 + 3.0), rtol=1e-6)
    np.testing.assert_allclose(new["body/kernel"], 3.0 - 0.1 * 0.5 * (1 + 3.0), rtol=1e-6)


def test_layer_i_of_n_gets_the_power_n_minus_1_minus_i_in_loop_and_scan_form_and_the_rest_gets_none():
    group, d, n = Group(rate=2.0, layer_decay=0.65), 0.65, 4
    loop = {"vit": {f"layers_{i}": {"kernel": jnp.zeros((3, 5))} for i in range(n)} | {"embed": jnp.zeros(2)}}
    scan = {"vit": {"layers": {"kernel": jnp.zeros((n, 3, 5))}, "embed": jnp.zeros(2)}}
    expected = []
    for i in range(n):
        power = 2.0
        for _ in range(n - 1 - i):
            power *= d
        expected.append(power)
    in_loop = flatten(rates(dict.fromkeys(flatten(loop), group), loop, 0))
    in_scan = flatten(rates(dict.fromkeys(flatten(scan), group), scan, 0))
    np.testing.assert_allclose([in_loop[f"vit/layers_{i}/kernel"] for i in range(n)], expected, rtol=1e-6)
    np.testing.assert_allclose(in_scan["vit/layers/kernel"][:, 0, 0], expected, rtol=1e-6)
    assert in_loop["vit/embed"] == in_scan["vit/embed"] == 2.0


def test_each_stack_has_its_own_number_of_layers_even_where_layers_differ_in_what_they_hold():
    group = Group(layer_decay=0.5)
    params = {
        "encoder": {f"layers_{i}": {"a": jnp.zeros(1)} for i in range(12)},
        "decoder": {"layers_0": {"a": jnp.zeros(1)}, "layers_1": {"b": jnp.zeros(1)}},
    }
    given = flatten(rates(dict.fromkeys(flatten(params), group), params, 0))
    assert given["encoder/layers_11/a"] == given["decoder/layers_1/b"] == 1.0
    assert given["encoder/layers_1/a"] == 0.5**10
    assert given["decoder/layers_0/a"] == 0.5


def several_steps(optimizer, params, opt, steps):
    """The parameters after each of the steps with gradients of one, and the last state."""
    step, trail = jax.jit(optimizer.update), []
    for _ in range(steps):
        params, opt, _ = step(jax.tree.map(jnp.ones_like, params), opt, params)
        trail.append(params)
    return trail, opt


@pytest.mark.parametrize("peak_after", [0, 2])
def test_a_groups_own_warm_up_multiplies_the_schedule_until_it_is_over_and_no_other_group(peak_after):
    params = {"image": {"w": jnp.zeros(2)}, "text": {"w": jnp.zeros(2)}}
    groups = (("^image", Group(rate=0.5, warmup=5)), (".*", Group()))
    optimizer = Optimizer(Sgd(momentum=0.0), Constant(0.1, warmup=peak_after), groups=groups)
    trail, _ = several_steps(optimizer, params, optimizer.init(params), 9)
    image = text = 0.0
    for step, after in enumerate(trail):
        rate = 0.1 * (min(1.0, step / peak_after) if peak_after else 1.0)
        image -= rate * 0.5 * min(1.0, (step + 1) / 5)
        text -= rate
        np.testing.assert_allclose(after["image"]["w"], image, rtol=1e-5)
        np.testing.assert_allclose(after["text"]["w"], text, rtol=1e-5)


def test_a_groups_warm_up_goes_with_layer_wise_decay_in_loop_and_scan_form():
    group = Group(layer_decay=0.5, warmup=4)
    loop = {f"layers_{i}": {"w": jnp.zeros((2, 3))} for i in range(3)}
    scan = {"layers": {"w": jnp.zeros((3, 2, 3))}}
    found = []
    for params in (loop, scan):
        optimizer = Optimizer(Sgd(momentum=0.0), Constant(1.0), groups=((".*", group),))
        found.append(several_steps(optimizer, params, optimizer.init(params), 6)[0])
    for step, (in_loop, in_scan) in enumerate(zip(*found, strict=True)):
        risen = sum(min(1.0, (k + 1) / 4) for k in range(step + 1))
        for i in range(3):
            np.testing.assert_allclose(in_loop[f"layers_{i}"]["w"], -risen * 0.5 ** (2 - i), rtol=1e-6)
            np.testing.assert_allclose(in_scan["layers"]["w"][i], in_loop[f"layers_{i}"]["w"], rtol=1e-6)


def test_a_groups_warm_up_goes_on_where_a_saved_state_stopped_bit_for_bit():
    params = {"layers": {"w": jnp.linspace(0.1, 1, 6).reshape(3, 2)}, "head": {"w": jnp.ones(2)}}
    groups = (("layers", Group(layer_decay=0.7, warmup=6)), (".*", Group()))
    optimizer = Optimizer(Adamw(), Constant(0.01, warmup=2), groups=groups)
    whole, _ = several_steps(optimizer, params, optimizer.init(params), 8)
    trail, opt = several_steps(optimizer, params, optimizer.init(params), 3)
    saved = jax.tree.map(np.asarray, (trail[-1], opt))
    again, _ = several_steps(optimizer, *saved, 5)
    jax.tree.map(np.testing.assert_array_equal, again[-1], whole[-1])


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (dict(rate=-1.0), "rate is -1.0; expected a number of at least 0"),
        (dict(decay=-0.1), "decay is -0.1; expected"),
        (dict(layer_decay=0.0), r"layer_decay is 0.0; expected a number in \(0, 1\]"),
        (dict(layer_decay=1.5), "layer_decay is 1.5; expected"),
        (dict(warmup=-1), "warmup is -1; expected 0 or more steps"),
    ],
)
def test_multipliers_that_make_no_sense_are_errors_that_name_field_and_value(fields, message):
    with pytest.raises(ValueError, match=message):
        Group(**fields)
