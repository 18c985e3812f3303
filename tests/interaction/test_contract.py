"""What every interaction owes: the same modalities with the same masks, in any type, number, length and order of them.

It walks `mmjax/interaction` and builds the class of each file with its defaults: a new op edits nothing here. One with
fields that have none gives them in `tests.interaction.case`.
"""

from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import mmjax.interaction
from mmjax.core import paths
from mmjax.core.build import locate
from mmjax.core.precision import cast
from mmjax.core.tokens import Tokens
from tests.fusion.case import ORDER, UNUSABLE, B, apply, beside_others, dirty, modalities, padded, reordered
from tests.interaction.case import APART, FIELDS
from tests.reference import compiled

FILES = sorted(path.stem for path in Path(mmjax.interaction.__path__[0]).glob("*.py") if path.stem != "__init__")
GIVEN = modalities(lengths={"text": 5, "image": 4, "audio": 3})


class Met:
    """An op with its defaults, its initial parameters, what eager gives, and it and its gradients under jit."""

    def __init__(self, name):
        self.module, self.traces = locate(f"interaction.{name}")(order=ORDER, **FIELDS.get(name, {})), 0
        self.apart = name in APART
        init = compiled(partial(self.module.init, train=False))
        self.params = init(jax.random.key(0), GIVEN).get("params", {})
        self.eager = jax.device_get(self.module.apply({"params": self.params}, GIVEN, train=False))
        rng = np.random.default_rng(1)
        target = {name: rng.normal(size=one.x.shape).astype(np.float32) for name, one in GIVEN.items()}

        def loss(params, x, masks, weights, every):
            self.traces += 1
            given = {name: Tokens(x[name], masks[name]) for name in x}
            out = self.module.apply({"params": params}, given, train=False)
            terms = {n: jnp.where(o.mask[..., None] | every, o.x * target[n], 0).sum() for n, o in out.items()}
            return sum(weights[name] * term for name, term in terms.items()), out

        gradient = compiled(jax.grad(loss, argnums=(0, 1), has_aux=True))

        def learn(given, every=False, of=ORDER):
            """Gradients, for parameters and for x, of a loss over the modalities `of`, and what came out."""
            x, masks = ({name: getattr(one, part) for name, one in given.items()} for part in ("x", "mask"))
            return gradient(self.params, x, masks, {name: float(name in of) for name in ORDER}, every)

        self.learn = learn


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
def test_it_gives_one_two_and_three_modalities_back_in_their_shapes_and_masks(op, met, order):
    given = {name: GIVEN[name] for name in order}
    found = met if order == ORDER else apply(op.module.clone(order=order), given)[1]
    assert found.keys() == given.keys() and finite(found)
    for name, one in found.items():
        Tokens.of(one.x, one.mask)
        assert one.x.shape == given[name].x.shape
        np.testing.assert_array_equal(one.mask, given[name].mask)


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


def test_how_long_modalities_are_padded_changes_no_real_token(op, met):
    more = dict(zip(ORDER, (3, 1, 2), strict=True))
    found = compiled(partial(op.module.apply, train=False))({"params": op.params}, padded(GIVEN, more))
    assert finite(found)
    same(
        {name: one.replace(x=one.x[:, : -more[name]], mask=one.mask[:, : -more[name]]) for name, one in found.items()},
        met,
    )


def test_with_dropout_too_what_lies_under_a_mask_changes_nothing(op, met):
    if not hasattr(op.module, "dropout"):
        return
    train = compiled(partial(op.module.clone(dropout=0.3).apply, train=True, rngs={"dropout": jax.random.key(1)}))
    found = train({"params": op.params}, dirty(GIVEN))
    same(found, train({"params": op.params}, GIVEN), 1e-6)
    assert finite(found)
    assert all(np.abs(one.x - met[name].x)[one.mask].max() > 1e-3 for name, one in found.items()), "dropout acts"


def test_what_is_missing_leaves_outputs_and_gradients_finite(op):
    nothing = {name: one.replace(mask=np.zeros_like(one.mask)) for name, one in GIVEN.items()}
    for missing in (*({name: nothing[name]} for name in ORDER), nothing):
        gradients, found = op.learn(dirty(GIVEN | missing), True)
        assert finite((gradients, found))
        for name, one in found.items():
            np.testing.assert_array_equal(one.mask, (GIVEN | missing)[name].mask)


def test_every_modality_reaches_every_other_one_and_every_parameter_matters_from_the_start(op):
    (params, _), _ = op.learn(GIVEN)
    # Softmax takes what all keys share away again: the bias of keys has no gradient anywhere.
    flat = {path: leaf for path, leaf in paths.flatten(params).items() if not path.endswith("/key/bias")}
    assert [path for path, leaf in flat.items() if not np.abs(leaf).max() > 1e-6] == []
    for target in ORDER:
        (_, x), _ = op.learn(GIVEN, of=(target,))
        for name, gradient in x.items():
            reached = np.abs(gradient).max() > 1e-6
            assert reached == (name == target or not op.apart), f"whether {name} reaches {target}"


def test_jit_gives_what_eager_gives_whatever_the_order_of_the_dict(op, met):
    assert list(GIVEN) != sorted(GIVEN), "as it came to the eager op, but not to the one under jit"
    same(op.eager, met)


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


def test_one_compilation_serves_every_pattern_of_missing_modalities(op, met):
    before = op.traces
    for pattern in np.ndindex(2, 2, 2):
        there = dict(zip(ORDER, map(bool, pattern), strict=True))
        op.learn({name: one.replace(mask=one.mask & there[name]) for name, one in GIVEN.items()})
    assert op.traces == before
