"""What every fusion owes: Tokens of the same width, masks that hold, in any type, number and order of modalities.

It walks `mmjax/fusion` and builds the class of each file with its defaults: a new op edits nothing here.
"""

from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import mmjax.fusion
from mmjax.core import paths
from mmjax.core.build import locate
from mmjax.core.precision import cast
from mmjax.core.tokens import Tokens
from tests.fusion.case import ORDER, UNUSABLE, B, D, L, apply, beside_others, dirty, modalities, padded, reordered
from tests.reference import compiled

FILES = sorted(path.stem for path in Path(mmjax.fusion.__path__[0]).glob("*.py") if path.stem != "__init__")
GIVEN = modalities()


class Fused:
    """An op with its defaults, its initial parameters, what eager gives, and it and its gradients under jit."""

    def __init__(self, name):
        self.module, self.traces = locate(f"fusion.{name}")(order=ORDER), 0
        init = compiled(partial(self.module.init, train=False))
        self.params = init(jax.random.key(0), GIVEN).get("params", {})
        self.eager = jax.device_get(self.module.apply({"params": self.params}, GIVEN, train=False))
        target = np.random.default_rng(1).normal(size=self.eager.x.shape).astype(np.float32)

        def loss(params, x, masks, every):
            self.traces += 1
            given = {name: Tokens(x[name], masks[name]) for name in x}
            out = self.module.apply({"params": params}, given, train=False)
            return jnp.sum(jnp.where(out.mask[..., None] | every, out.x * target, 0)), out

        gradient = compiled(jax.grad(loss, argnums=(0, 1), has_aux=True))

        def learn(given, every=False):
            """Gradients, for parameters and for x, of a loss over what is real or every token, and what came out."""
            x, masks = ({name: getattr(one, part) for name, one in given.items()} for part in ("x", "mask"))
            return gradient(self.params, x, masks, every)

        self.learn = learn
        self.run = compiled(lambda params, given: self.module.apply({"params": params}, given, train=False))


@pytest.fixture(scope="module", params=FILES)
def op(request):
    return Fused(request.param)


@pytest.fixture(scope="module")
def fused(op):
    return op.learn(GIVEN)[1]


def same(found, wanted, tolerance=1e-5):
    np.testing.assert_array_equal(found.mask, wanted.mask)
    np.testing.assert_allclose(found.x[found.mask], wanted.x[wanted.mask], atol=tolerance)


def finite(tree):
    return all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(tree))


def mask_law(length, given):
    """A token is real where it was, where any modality is at its position, or, if new, where any is in its row."""
    masks = [given[name].mask for name in ORDER if name in given]
    if length == L:
        return np.any(masks, axis=0)
    if length == sum(mask.shape[1] for mask in masks):
        return np.concatenate(masks, axis=1)
    return np.broadcast_to(np.concatenate(masks, axis=1).any(1, keepdims=True), (B, length))


@pytest.mark.parametrize("order", [ORDER, ORDER[1:], ORDER[:1]], ids=len)
def test_it_takes_one_two_and_three_modalities_and_is_real_where_something_real_went_in(op, fused, order):
    given = {name: GIVEN[name] for name in order}
    found = fused if order == ORDER else apply(op.module.clone(order=order), given)[1]
    Tokens.of(found.x, found.mask)
    assert found.x.shape[0] == B and found.x.shape[2] == D
    np.testing.assert_array_equal(found.mask, mask_law(found.mask.shape[1], given))
    assert finite(found)
    assert np.abs(found.x[0] - found.x[1]).max() > 1e-3, "rows are told apart"


def test_what_lies_under_a_mask_changes_no_output_and_no_gradient(op, fused):
    clean, _ = op.learn(GIVEN)
    for junk in (np.nan, 1e30):
        (params, x), found = op.learn(dirty(GIVEN, junk))
        same(found, fused, 1e-6)
        jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-4, atol=1e-5), (params, x), clean)
        assert all(not np.any(gradient[~GIVEN[name].mask]) for name, gradient in x.items())


def test_a_row_is_fused_by_itself_in_whichever_place_it_stands(op, fused):
    rows = (2, 0, 3, 1)
    same(op.learn(reordered(GIVEN, rows))[1], reordered(fused, rows))
    for b in range(B):
        same(reordered(op.learn(beside_others(GIVEN, b))[1], [b]), reordered(fused, [b]))


def test_how_long_modalities_are_padded_changes_no_real_token(op, fused):
    found = op.run(op.params, padded(GIVEN, dict.fromkeys(ORDER, 3)))
    np.testing.assert_array_equal(found.mask.sum(1), fused.mask.sum(1))
    np.testing.assert_allclose(found.x[found.mask], fused.x[fused.mask], atol=1e-5)
    assert finite(found)


def test_with_dropout_too_what_lies_under_a_mask_changes_nothing(op, fused):
    if not hasattr(op.module, "dropout"):
        return
    train = compiled(partial(op.module.clone(dropout=0.3).apply, train=True, rngs={"dropout": jax.random.key(1)}))
    found = train({"params": op.params}, dirty(GIVEN))
    same(found, train({"params": op.params}, GIVEN), 1e-6)
    assert finite(found)
    assert np.abs(found.x - fused.x)[fused.mask].max() > 1e-3, "dropout acts"


def test_what_is_missing_leaves_outputs_and_gradients_finite(op):
    nothing = {name: one.replace(mask=np.zeros_like(one.mask)) for name, one in GIVEN.items()}
    for name in ORDER:
        gradients, found = op.learn(dirty(GIVEN | {name: nothing[name]}), True)
        assert finite((gradients, found))
        assert found.mask[:3].any(1).all() and not found.mask[3].any()
    gradients, found = op.learn(dirty(nothing), True)
    assert finite((gradients, found)) and not found.mask.any()


def test_every_modality_and_every_parameter_matters_from_the_start(op):
    (params, x), _ = op.learn(GIVEN)
    # Softmax takes what all keys share away again: the bias of keys has no gradient anywhere.
    flat = {path: leaf for path, leaf in paths.flatten(params | x).items() if not path.endswith("/key/bias")}
    assert [path for path, leaf in flat.items() if not np.abs(leaf).max() > 1e-6] == []


def test_jit_gives_what_eager_gives_whatever_the_order_of_the_dict(op, fused):
    assert list(GIVEN) != sorted(GIVEN), "as it came to the eager op, but not to the one under jit"
    same(op.eager, fused)


def test_an_order_that_does_not_name_every_modality_once_is_refused(op):
    for order in (ORDER[:2], (*ORDER, ORDER[0]), (*ORDER[:2], "video")):
        with pytest.raises(ValueError, match="must name each modality once; there are "):
            jax.eval_shape(partial(op.module.clone(order=order).apply, train=False), {"params": op.params}, GIVEN)


def test_a_pooled_vector_stands_where_the_others_are_and_where_positions_meet_other_lengths_are_refused(op, fused):
    if fused.mask.shape[1] != L:
        assert finite(op.run(op.params, dirty(modalities(lengths={"text": 3, "image": 1}))))
        return
    pooled = modalities(lengths={"image": 1})
    image, taken = pooled["image"], pooled["text"].mask | pooled["audio"].mask
    everywhere = Tokens(np.repeat(image.x, L, axis=1), image.mask & taken)
    same(op.run(op.params, dirty(pooled)), op.learn(pooled | {"image": everywhere})[1])
    alone = pooled | {name: pooled[name].replace(mask=pooled[name].mask & False) for name in ("text", "audio")}
    everywhere = everywhere.replace(mask=np.repeat(image.mask, L, axis=1))
    same(op.run(op.params, dirty(alone)), op.learn(alone | {"image": everywhere})[1])
    with pytest.raises(ValueError, match=r"'image': 3, 'audio': 5.*nn\.pool.*fusion\.concat"):
        op.run(op.params, modalities(lengths={"image": 3}))


@pytest.mark.parametrize(("order", "given", "told"), UNUSABLE)
def test_modalities_without_a_token_or_of_unequal_batches_and_none_at_all_are_refused(op, order, given, told):
    with pytest.raises(ValueError, match=told):
        jax.eval_shape(partial(op.module.clone(order=order).apply, train=False), {"params": op.params}, given)


def test_bf16_stays_bf16_and_near(op, fused):
    low = op.run(cast(op.params, "bfloat16"), cast(jax.tree.map(jnp.asarray, GIVEN), "bfloat16"))
    assert low.x.dtype == jnp.bfloat16
    size = np.sqrt(np.mean(fused.x[fused.mask] ** 2))
    np.testing.assert_allclose(low.x.astype(jnp.float32)[fused.mask] / size, fused.x[fused.mask] / size, atol=0.1)


def test_one_compilation_serves_every_pattern_of_missing_modalities(op, fused):
    before = op.traces
    for pattern in np.ndindex(2, 2, 2):
        there = dict(zip(ORDER, map(bool, pattern), strict=True))
        op.learn({name: one.replace(mask=one.mask & there[name]) for name, one in GIVEN.items()})
    assert op.traces == before
