"""What every head owes: finite fp32 predictions, row by row, from whatever the mask says is real, in any type.

Heads come from the `CASES` of the tests beside this one: {"FILE" or "FILE, what is particular": Case}. A new head is a
file of `mmjax/heads` and a test of the same name with a case; nothing here is edited.
"""

from functools import partial
from importlib import import_module
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import mmjax.heads
from mmjax.core.precision import cast
from tests import reference

TESTS = sorted(path.stem for path in Path(__file__).parent.glob("test_*.py") if path != Path(__file__))
CASES = {name: case for stem in TESTS for name, case in import_module(f"tests.heads.{stem}").CASES.items()}


class Head:
    """A case with random parameters, its output, and it and its gradients under jit."""

    def __init__(self, case):
        self.case = case
        shapes = jax.eval_shape(partial(case.module.init, train=False), jax.random.key(0), case.tokens)
        self.params = reference.parameters(case.module, case.tokens, train=False) if "params" in shapes else {}
        self.run = jax.jit(lambda params, given: case.module.apply({"params": params}, given, train=False))
        self.out = self.run(self.params, case.tokens)
        target = np.random.default_rng(1).normal(size=self.out.shape).astype(np.float32)

        def loss(params, x, mask):
            out = self.run(params, case.tokens.replace(x=x, mask=mask))
            return jnp.sum(out * target), out

        gradient = jax.jit(jax.grad(loss, argnums=(0, 1), has_aux=True))
        self.learn = lambda given: gradient(self.params, given.x, given.mask)


@pytest.fixture(scope="module", params=CASES)
def head(request):
    return Head(CASES[request.param])


def finite(tree):
    return all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(tree))


def test_every_file_of_the_folder_has_a_case():
    files = {path.stem for path in Path(mmjax.heads.__path__[0]).glob("*.py")} - {"__init__"}
    assert files == {name.partition(",")[0] for name in CASES}


def test_rows_with_nothing_real_have_finite_predictions_and_gradients(head):
    nothing = head.case.tokens.replace(mask=np.zeros_like(head.case.tokens.mask))
    for junk in (0, np.nan, 1e30):
        x = np.full_like(nothing.x, junk)
        gradients, out = head.learn(nothing.replace(x=x))
        assert finite((gradients, out))
        assert not np.any(gradients[1])
        np.testing.assert_allclose(out, np.broadcast_to(out[0], out.shape), atol=1e-6)


def test_what_lies_under_the_mask_changes_no_prediction_and_no_gradient(head):
    clean, _ = head.learn(head.case.tokens)
    for junk in (np.nan, 1e30):
        dirty, out = head.learn(head.case.covered(junk))
        np.testing.assert_allclose(out, head.out, atol=1e-6)
        jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-4, atol=1e-5), dirty, clean)
        assert not np.any(dirty[1][~head.case.tokens.mask])


def test_jit_gives_what_eager_gives(head):
    eager = head.case.module.apply({"params": head.params}, head.case.tokens, train=False)
    np.testing.assert_allclose(eager, head.out, atol=1e-5)


def test_predictions_are_fp32_and_of_bf16_tokens_near_those_of_fp32_ones(head):
    given = head.case.tokens
    low = head.run(cast(head.params, "bfloat16"), given.replace(x=jnp.asarray(given.x, jnp.bfloat16)))
    assert low.dtype == head.out.dtype == jnp.float32
    np.testing.assert_allclose(low, head.out, atol=0.05 * np.abs(head.out).max())


def test_every_parameter_and_every_real_token_matters(head):
    (params, x), _ = head.learn(head.case.tokens)
    for path, gradient in jax.tree_util.tree_leaves_with_path(params):
        assert np.abs(gradient).max() > 1e-6, jax.tree_util.keystr(path)
    assert (np.abs(x[head.case.tokens.mask]).max(-1) > 1e-7).all()


def test_a_row_is_predicted_by_itself_and_told_from_others(head):
    given = head.case.tokens
    for b in range(len(head.out)):
        others = np.arange(len(head.out)) != b
        mixed = given.replace(
            x=np.where(others[:, None, None], given.x[::-1] + 1, given.x),
            mask=np.where(others[:, None], ~given.mask, given.mask),
        )
        np.testing.assert_allclose(head.run(head.params, mixed)[b], head.out[b], atol=1e-6)
    order = np.roll(np.arange(len(head.out)), 1)
    moved = given.replace(x=given.x[order], mask=given.mask[order])
    np.testing.assert_allclose(head.run(head.params, moved), head.out[order], atol=1e-6)
    assert np.abs(head.out[0] - head.out[1]).max() > 1e-3


def test_how_long_tokens_are_padded_changes_no_prediction(head):
    given = head.case.tokens
    longer = given.replace(
        x=np.pad(given.x, ((0, 0), (0, 3), (0, 0)), constant_values=np.nan), mask=np.pad(given.mask, ((0, 0), (0, 3)))
    )
    np.testing.assert_allclose(head.run(head.params, longer), head.out, atol=1e-6)
