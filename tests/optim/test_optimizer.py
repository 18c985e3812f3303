"""The whole chain: coverage, freezing, clipping, compilation, configs."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from mmjax.core.build import build, describe, use
from mmjax.core.paths import flatten, split
from mmjax.optim.adafactor import Adafactor
from mmjax.optim.adamw import Adamw
from mmjax.optim.average import Average
from mmjax.optim.constant import Constant
from mmjax.optim.group import Group
from mmjax.optim.linear import Linear
from mmjax.optim.lion import Lion
from mmjax.optim.optimizer import Optimizer
from mmjax.optim.sgd import Sgd
from mmjax.optim.warmup_cosine import WarmupCosine
from mmjax.optim.warmup_rsqrt import WarmupRsqrt

RULES = [Adamw(), Adafactor(), Sgd(), Lion()]


def model():
    rng = np.random.default_rng(0)

    def normal(*shape):
        return jnp.asarray(rng.normal(size=shape), jnp.float32)

    return {
        "vit": {"embed": {"kernel": normal(4, 6)}, "layers_0": {"kernel": normal(6, 6)}},
        "text": {"layers": {"kernel": normal(3, 128, 130), "bias": normal(3, 130)}},
        "head": {"kernel": normal(6, 2), "bias": normal(2)},
    }


def like(tree, seed):
    rng = np.random.default_rng(seed)
    return jax.tree.map(lambda p: jnp.asarray(rng.normal(size=p.shape), p.dtype), tree)


def full(rule):
    groups = ((r"bias$", Group(decay=0.0)), ("^text", Group(layer_decay=0.7)), (".*", Group()))
    return Optimizer(rule, WarmupCosine(0.1, 2, 10), groups=groups, clip=1.0, average=Average(0.9))


def test_a_parameter_that_no_rule_covers_is_an_error_that_names_it():
    with pytest.raises(ValueError, match=r"optim\.groups: no rule covers parameter 'head/kernel'"):
        Optimizer(Adamw(), Constant(0.1), groups=(("vit|text|bias", Group()),)).trainable(model())
    with pytest.raises(ValueError, match=r"optim\.groups: no rule covers parameter 'head/kernel'"):
        Optimizer(Adamw(), Constant(0.1), groups=(("vit|text|bias", Group()),)).init(model())


def test_a_rule_that_decides_no_parameter_is_an_error_that_names_it():
    with pytest.raises(ValueError, match=r"optim\.groups: rule '\^resnet'"):
        Optimizer(Adamw(), Constant(0.1), groups=(("^resnet", Group(frozen=True)), (".*", Group()))).trainable(model())


def test_freezing_everything_is_an_error():
    with pytest.raises(ValueError, match="freeze every parameter"):
        Optimizer(Adamw(), Constant(0.1), groups=((".*", Group(frozen=True)),)).trainable(model())


@pytest.mark.parametrize("rule", RULES)
def test_frozen_parts_have_no_state_and_the_others_train_as_if_they_were_alone(rule):
    params = model()
    frozen = (("^vit/", Group(frozen=True)), ("bias$", Group(decay=0.0)), (".*", Group()))
    optimizer = Optimizer(rule, Constant(0.01), groups=frozen, average=Average())
    paths = optimizer.trainable(params)
    assert paths == {path for path in flatten(params) if not path.startswith("vit/")}

    inside, _ = split(params, paths)
    opt = optimizer.init(inside)
    names = [jax.tree_util.keystr(path) for path, _ in jax.tree_util.tree_leaves_with_path(opt)]
    assert not [name for name in names if "vit" in name] and [name for name in names if "head" in name]

    alone = Optimizer(rule, Constant(0.01), groups=frozen[1:], average=Average())
    grads = like(inside, 1)
    for given, expected in zip(
        jax.tree.leaves(optimizer.update(grads, opt, inside)),
        jax.tree.leaves(alone.update(grads, alone.init(inside), inside)),
        strict=True,
    ):
        np.testing.assert_array_equal(given, expected)


def test_the_norm_is_that_of_all_gradients_before_clipping_and_clipping_scales_them_to_the_bound():
    params, grads = model(), like(model(), 3)
    total = sum(float(x) ** 2 for leaf in jax.tree.leaves(grads) for x in np.asarray(leaf).ravel()) ** 0.5
    optimizer = Optimizer(Sgd(momentum=0.0), Constant(1.0), clip=0.5)
    new, _, norm = optimizer.update(grads, optimizer.init(params), params)
    assert float(norm) == pytest.approx(total, rel=1e-5) and norm.dtype == jnp.float32
    np.testing.assert_allclose(
        params["head"]["kernel"] - new["head"]["kernel"], grads["head"]["kernel"] * 0.5 / total, atol=1e-6
    )


def test_gradients_below_the_bound_are_not_touched():
    params, grads = model(), jax.tree.map(lambda g: g * 1e-4, like(model(), 3))
    results = []
    for clip in (None, 1.0):
        optimizer = Optimizer(Sgd(momentum=0.0), Constant(1.0), clip=clip)
        results.append(optimizer.update(grads, optimizer.init(params), params)[0])
    jax.tree.map(np.testing.assert_array_equal, *results)


def test_without_stacks_groups_and_decay_the_chain_is_optax_adam():
    params = {"a": {"kernel": jnp.arange(6.0).reshape(2, 3)}, "b": {"bias": jnp.ones(4)}}
    ours, theirs = Optimizer(Adamw(decay=0.0), WarmupCosine(0.1, 3, 10)), optax.adam(WarmupCosine(0.1, 3, 10))
    opt, state, expected = ours.init(params), theirs.init(params), params
    for k in range(5):
        grads = like(params, k)
        params, opt, _ = ours.update(grads, opt, params)
        updates, state = theirs.update(grads, state, expected)
        expected = optax.apply_updates(expected, updates)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6), params, expected)


def test_the_logged_rate_is_that_of_the_update_that_comes_next():
    params, optimizer = {"w": jnp.ones(2)}, Optimizer(Sgd(momentum=0.0), WarmupCosine(0.4, 2, 10))
    opt = optimizer.init(params)
    for _ in range(4):
        rate = optimizer.rate(opt)["learning_rate"]
        new, opt, _ = optimizer.update({"w": jnp.ones(2)}, opt, params)
        np.testing.assert_allclose(params["w"] - new["w"], rate, atol=1e-7)
        params = new


@pytest.mark.parametrize("schedule", [WarmupCosine, Linear])
def test_a_schedule_ends_with_the_run_unless_it_has_steps_of_its_own_or_no_end(schedule):
    optimizer = Optimizer(Adamw(), schedule(0.1, 2)).over(30)
    assert optimizer.schedule == schedule(0.1, 2, steps=30)
    for kept in (schedule(0.1, 2, steps=10), Constant(0.1), WarmupRsqrt(0.1, 2)):
        assert Optimizer(Adamw(), kept).over(30).schedule == kept
    with pytest.raises(ValueError, match="warmup is 2 and steps 2; expected 0 <= warmup < steps"):
        Optimizer(Adamw(), schedule(0.1, 2)).over(2)


@pytest.mark.parametrize("rule", RULES)
def test_abstract_parameters_give_the_state_that_real_ones_give(rule):
    optimizer, params = full(rule), model()
    abstract = jax.eval_shape(lambda: params)
    assert optimizer.trainable(abstract) == optimizer.trainable(params)
    opt = optimizer.init(params)
    described = jax.eval_shape(optimizer.init, abstract)
    assert jax.tree.structure(described) == jax.tree.structure(opt)
    for given, expected in zip(jax.tree.leaves(described), jax.tree.leaves(opt), strict=True):
        assert (given.shape, given.dtype) == (expected.shape, expected.dtype)
    after = jax.eval_shape(optimizer.update, abstract, described, abstract)
    assert jax.tree.structure(after[:2]) == jax.tree.structure((params, opt))
    for given, expected in zip(jax.tree.leaves(after[:2]), jax.tree.leaves((params, opt)), strict=True):
        assert (given.shape, given.dtype) == (expected.shape, expected.dtype)


@pytest.mark.parametrize("compiled_init", [False, True])
@pytest.mark.parametrize("rule", RULES)
def test_compiled_steps_that_give_their_buffers_away_equal_eager_steps_and_compile_once(rule, compiled_init):
    optimizer = full(rule)
    params, expected = model(), model()
    opt = jax.jit(optimizer.init)(params) if compiled_init else optimizer.init(params)
    reference = optimizer.init(expected)
    step = jax.jit(optimizer.update, donate_argnums=(1, 2))
    for k in range(3):
        grads, given = like(expected, k), params
        params, opt, _ = step(grads, opt, params)
        expected, reference, _ = optimizer.update(grads, reference, expected)
        assert all(leaf.is_deleted() for leaf in jax.tree.leaves(given))
    assert step._cache_size() == 1
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=2e-5, atol=1e-6),
        (params, opt),
        (expected, reference),
    )


def test_a_step_that_is_taken_back_leaves_the_average_the_counts_and_the_moments_as_they_were():
    optimizer, params = full(Adamw()), model()
    opt = optimizer.init(params)

    @jax.jit
    def guarded(grads, opt, params):
        new, after, norm = optimizer.update(grads, opt, params)
        return jax.tree.map(lambda a, b: jnp.where(jnp.isfinite(norm), a, b), (new, after), (params, opt))

    grads = like(params, 0)
    params, opt = guarded(grads, opt, params)
    bad = jax.tree.map(lambda g: g.at[0].set(jnp.nan), grads)
    skipped = guarded(bad, opt, params)
    jax.tree.map(np.testing.assert_array_equal, skipped, (params, opt))


def test_a_config_builds_the_optimiser_and_its_description_builds_it_again():
    node = use(
        "optim.optimizer",
        rule=use("optim.adamw", b2=0.98, decay=0.05),
        schedule=use("optim.warmup_cosine", peak=1e-3, warmup=50, steps=750),
        groups=[["bias$|norm", use("optim.group", decay=0.0)], [".*", use("optim.group")]],
        clip=1.0,
        average=use("optim.average", decay=0.99),
    )
    expected = Optimizer(
        Adamw(b2=0.98, decay=0.05),
        WarmupCosine(1e-3, 50, 750),
        groups=(("bias$|norm", Group(decay=0.0)), (".*", Group())),
        clip=1.0,
        average=Average(0.99),
    )
    assert build(node) == expected and hash(build(node)) == hash(expected)
    assert build(describe(expected)) == expected


def test_a_schedule_where_a_rule_belongs_is_a_config_error_that_names_the_key():
    node = use("optim.optimizer", rule=use("optim.constant", peak=0.1), schedule=use("optim.constant", peak=0.1))
    with pytest.raises(ValueError, match="rule is"):
        build(node, "optim")


def test_a_bound_that_is_not_positive_is_an_error():
    with pytest.raises(ValueError, match=r"clip is 0\.0; expected a norm above 0"):
        Optimizer(Adamw(), Constant(0.1), clip=0.0)
