"""Groups: multipliers of rate and decay by path, layer-wise decay."""

import jax.numpy as jnp
import numpy as np
import pytest

from mmjax.core.paths import flatten
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
    in_loop = flatten(rates(dict.fromkeys(flatten(loop), group), loop))
    in_scan = flatten(rates(dict.fromkeys(flatten(scan), group), scan))
    np.testing.assert_allclose([in_loop[f"vit/layers_{i}/kernel"] for i in range(n)], expected, rtol=1e-6)
    np.testing.assert_allclose(in_scan["vit/layers/kernel"][:, 0, 0], expected, rtol=1e-6)
    assert in_loop["vit/embed"] == in_scan["vit/embed"] == 2.0


def test_each_stack_has_its_own_number_of_layers_even_where_layers_differ_in_what_they_hold():
    group = Group(layer_decay=0.5)
    params = {
        "encoder": {f"layers_{i}": {"a": jnp.zeros(1)} for i in range(12)},
        "decoder": {"layers_0": {"a": jnp.zeros(1)}, "layers_1": {"b": jnp.zeros(1)}},
    }
    given = flatten(rates(dict.fromkeys(flatten(params), group), params))
    assert given["encoder/layers_11/a"] == given["decoder/layers_1/b"] == 1.0
    assert given["encoder/layers_1/a"] == 0.5**10
    assert given["decoder/layers_0/a"] == 0.5


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (dict(rate=-1.0), "rate is -1.0; expected a number of at least 0"),
        (dict(decay=-0.1), "decay is -0.1; expected"),
        (dict(layer_decay=0.0), r"layer_decay is 0.0; expected a number in \(0, 1\]"),
        (dict(layer_decay=1.5), "layer_decay is 1.5; expected"),
    ],
)
def test_multipliers_that_make_no_sense_are_errors_that_name_field_and_value(fields, message):
    with pytest.raises(ValueError, match=message):
        Group(**fields)
