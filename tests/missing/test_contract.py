"""What every op on missing modalities owes: the same modalities in their shapes, and what is there as it was or gone.

It walks `mmjax/missing` and builds the class of each file with its defaults: a new op edits nothing here.
"""

from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import mmjax.missing
from mmjax.core import paths
from mmjax.core.build import locate
from mmjax.core.precision import cast
from mmjax.core.tokens import Tokens
from tests import reference
from tests.fusion.case import ORDER, UNUSABLE, B, apply, beside_others, dirty, modalities, padded, reordered
from tests.reference import compiled

FILES = sorted(path.stem for path in Path(mmjax.missing.__path__[0]).glob("*.py") if path.stem != "__init__")
GIVEN = modalities(lengths={"text": 5, "image": 4, "audio": 3})


class Met:
    """An op with its defaults and random parameters, and it and its gradients under jit."""

    def __init__(self, name):
        self.module, self.traces = locate(f"missing.{name}")(order=ORDER), 0
        shapes = jax.eval_shape(partial(self.module.init, train=False), jax.random.key(0), GIVEN)
        self.params = reference.parameters(self.module, GIVEN, train=False) if "params" in shapes else {}
        rng = np.random.default_rng(1)
        target = {name: rng.normal(size=one.x.shape).astype(np.float32) for name, one in GIVEN.items()}

        def loss(params, x, masks):
            self.traces += 1
            given = {name: Tokens(x[name], masks[name]) for name in x}
            out, state = self.module.apply({"params": params}, given, train=False, mutable=["losses"])
            sown = sum(mean.value for mean in jax.tree.leaves(state, is_leaf=lambda leaf: hasattr(leaf, "value")))
            return sown + sum(jnp.sum(one.cleared().x * target[name]) for name, one in out.items()), out

        gradient = compiled(jax.grad(loss, argnums=(0, 1), has_aux=True))

        def learn(given):
            """Gradients, for parameters and for x, and what came out."""
            return gradient(self.params, *({name: getattr(one, of) for name, one in given.items()} for of in PARTS))

        self.learn = learn


PARTS = ("x", "mask")


@pytest.fixture(scope="module", params=FILES)
def op(request):
    return Met(request.param)


@pytest.fixture(scope="module")
def met(op):
    return op.learn(GIVEN)[1]


def same(found, wanted, tolerance=1e-5):
    assert found.keys() == wanted.keys()
    for name, one in found.items():
        np.testing.assert_array_equal(one.mask, wanted[name].mask)
        np.testing.assert_allclose(one.x[one.mask], wanted[name].x[one.mask], atol=tolerance)


def finite(tree):
    return all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(tree))


@pytest.mark.parametrize("order", [ORDER, ORDER[1:], ORDER[:1]], ids=len)
def test_what_is_there_stays_as_it_is_outside_training(op, met, order):
    given = {name: GIVEN[name] for name in order}
    found = met if order == ORDER else apply(op.module.clone(order=order), given)[1]
    assert found.keys() == given.keys()
    for name, one in found.items():
        Tokens.of(one.x, one.mask)
        assert one.x.shape == given[name].x.shape
        there = given[name].mask.any(1)
        np.testing.assert_array_equal(one.mask[there], given[name].mask[there])
        np.testing.assert_array_equal(one.x[given[name].mask], given[name].x[given[name].mask])


def test_a_row_of_nothing_stays_so(met):
    assert not any(one.mask[3].any() for one in met.values())


def test_what_lies_under_a_mask_changes_no_output_and_no_gradient(op, met):
    clean, _ = op.learn(GIVEN)
    for junk in (np.nan, 1e30):
        (params, x), found = op.learn(dirty(GIVEN, junk))
        same(found, met, 1e-6)
        jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-4, atol=1e-5), (params, x), clean)
        assert all(not np.any(gradient[~GIVEN[name].mask]) for name, gradient in x.items())


def test_a_row_is_by_itself_in_whichever_place_it_stands(op, met):
    rows = (2, 0, 3, 1)
    same(op.learn(reordered(GIVEN, rows))[1], reordered(met, rows))
    for b in range(B):
        same(reordered(op.learn(beside_others(GIVEN, b))[1], [b]), reordered(met, [b]))


def test_how_long_modalities_are_padded_changes_no_token(op, met):
    more = dict(zip(ORDER, (3, 1, 2), strict=True))
    found = compiled(partial(op.module.apply, train=False))({"params": op.params}, padded(GIVEN, more))
    cut = {name: one.replace(x=one.x[:, : -more[name]], mask=one.mask[:, : -more[name]]) for name, one in found.items()}
    same(cut, met)
    assert not any(one.mask[:, -more[name] :].any() for name, one in found.items())


def test_in_training_a_row_that_has_something_keeps_something_and_junk_changes_nothing(op):
    train = compiled(partial(op.module.apply, train=True, rngs={"dropout": jax.random.key(1)}))
    found = train({"params": op.params}, dirty(GIVEN))
    same(found, train({"params": op.params}, GIVEN))
    there = np.any([one.mask.any(1) for one in found.values()], axis=0)
    np.testing.assert_array_equal(there, np.any([one.mask.any(1) for one in GIVEN.values()], axis=0))


def test_what_is_missing_leaves_outputs_and_gradients_finite_with_one_compilation(op, met):
    before = op.traces
    for pattern in np.ndindex(2, 2, 2):
        there = dict(zip(ORDER, map(bool, pattern), strict=True))
        given = {name: one.replace(mask=one.mask & there[name]) for name, one in GIVEN.items()}
        gradients, found = op.learn(dirty(given))
        assert finite(gradients) and finite([one.x[one.mask] for one in found.values()])
    assert op.traces == before


def test_every_parameter_matters(op, met):
    lacking = {name: one.replace(mask=one.mask & (np.arange(B) != m)[:, None]) for m, (name, one) in
               enumerate(GIVEN.items())}  # fmt: skip
    (params, _), _ = op.learn(lacking)
    assert [path for path, leaf in paths.flatten(params).items() if not np.abs(leaf).max() > 1e-6] == []


def test_jit_gives_what_eager_gives_whatever_the_order_of_the_dict(op, met):
    assert list(GIVEN) != sorted(GIVEN), "as it came to the eager op, but not to the one under jit"
    same(jax.device_get(op.module.apply({"params": op.params}, GIVEN, train=False)), met)


def test_an_order_that_does_not_name_every_modality_once_is_refused(op):
    for order in (ORDER[:2], (*ORDER, ORDER[0]), (*ORDER[:2], "video")):
        with pytest.raises(ValueError, match="must name each modality once; there are "):
            jax.eval_shape(partial(op.module.clone(order=order).apply, train=False), {"params": op.params}, GIVEN)


@pytest.mark.parametrize(("order", "given", "told"), UNUSABLE)
def test_modalities_without_a_token_or_of_unequal_batches_and_none_at_all_are_refused(op, order, given, told):
    with pytest.raises(ValueError, match=told):
        jax.eval_shape(partial(op.module.clone(order=order).apply, train=False), {"params": op.params}, given)


def test_bf16_stays_bf16_and_near(op, met):
    params, given = cast((op.params, jax.tree.map(jnp.asarray, GIVEN)), "bfloat16")
    low = compiled(partial(op.module.apply, train=False))({"params": params}, given)
    for name, one in low.items():
        assert one.x.dtype == jnp.bfloat16
        np.testing.assert_allclose(one.x.astype(jnp.float32)[one.mask], met[name].x[one.mask], atol=0.15)
