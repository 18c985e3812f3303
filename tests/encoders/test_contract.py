"""What every encoder owes: Tokens of the width asked for, and masks that hold, in any type and under jit.

A new file in `mmjax/encoders` needs a test file here with a case in its `CASES`, which is collected from there; what
follows a comma in a case's name tells cases of one file apart.
"""

import dataclasses
import importlib
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import mmjax.encoders
from mmjax.core import paths
from mmjax.core.precision import cast
from mmjax.core.tokens import Tokens
from tests import reference
from tests.encoders.case import DIM, Case


def collected() -> dict[str, Case]:
    """The cases of every test file beside this one."""
    found: dict[str, Case] = {}
    for path in sorted(Path(__file__).parent.glob("test_*.py")):
        if path != Path(__file__):
            cases = getattr(importlib.import_module(f"tests.encoders.{path.stem}"), "CASES", {})
            assert not found.keys() & cases.keys(), f"{path.name} has a case of another file's name"
            found |= cases
    return found


CASES = collected()


@pytest.fixture(scope="module", params=CASES)
def case(request) -> Case:
    return CASES[request.param]


@pytest.fixture(scope="module")
def params(case):
    return reference.parameters(case.module, case.values, case.mask, train=False)


@pytest.fixture(scope="module")
def encode(case):
    return reference.compiled(partial(case.module.apply, train=False))


@pytest.fixture(scope="module")
def tokens(case, params, encode) -> Tokens:
    return encode({"params": params}, case.values, case.mask)


@pytest.fixture(scope="module")
def learn(case):
    """(params, values, mask, every) -> (tokens, gradient of a loss over what is real or, if asked, every token)."""

    def loss(params, values, mask, every):
        out = case.module.apply({"params": params}, values, mask, train=False)
        return jnp.sum(jnp.where(out.mask[..., None] | every, out.x, 0) ** 2), out

    gradient = reference.compiled(jax.grad(loss, has_aux=True))
    return lambda *args: gradient(*args)[::-1]


def test_every_file_of_the_folder_has_a_case():
    files = {path.stem for path in Path(mmjax.encoders.__path__[0]).glob("*.py")} - {"__init__"}
    assert files == {name.partition(",")[0] for name in CASES}


def test_it_gives_tokens_of_its_width_that_are_real_where_the_values_are(case, tokens):
    Tokens.of(tokens.x, tokens.mask)
    assert tokens.x.shape[-1] == DIM
    np.testing.assert_array_equal(tokens.mask.any(1), case.mask.reshape(len(case.mask), -1).any(1))


def test_it_tells_one_row_of_values_from_another(tokens):
    first, last = (tokens.x[b][tokens.mask[b]].mean(0) for b in (0, -1))
    assert np.abs(first - last).max() > 0.01


def test_what_lies_under_the_mask_changes_no_output_and_no_gradient(case, params, learn, tokens):
    _, clean = learn(params, case.values, case.mask, False)
    spoilt, dirty = learn(params, case.covered(), case.mask, False)
    np.testing.assert_array_equal(spoilt.mask, tokens.mask)
    np.testing.assert_allclose(spoilt.x[tokens.mask], tokens.x[tokens.mask], atol=1e-6)
    assert np.isfinite(spoilt.x).all()
    jax.tree.map(partial(np.testing.assert_allclose, atol=1e-5), clean, dirty)
    assert max(np.abs(leaf).max() for leaf in jax.tree.leaves(clean)) > 0


def test_a_row_is_encoded_by_itself_in_whichever_place_it_stands(case, params, encode, tokens):
    rows = np.arange(len(case.mask))
    for b in rows:
        # Row b in another place, beside rows of other values with the opposite mask.
        order = np.roll(rows, 1)
        values, mask, others = case.values[order], case.mask[order], order != b
        strange = np.where(others.reshape(-1, *(1,) * (values.ndim - 1)), values[::-1], values)
        found = encode({"params": params}, strange, np.where(others.reshape(-1, *(1,) * (mask.ndim - 1)), ~mask, mask))
        place, real = list(order).index(b), np.asarray(tokens.mask[b])
        np.testing.assert_array_equal(found.mask[place], real)
        np.testing.assert_allclose(found.x[place][real], tokens.x[b][real], atol=1e-5)


def test_how_long_values_are_padded_changes_no_real_token(case, params, encode, tokens):
    if not case.pads or case.mask.ndim == 1:
        return
    longer = case.padded(2)
    found = encode({"params": params}, longer.values, longer.mask)
    np.testing.assert_array_equal(found.mask.sum(1), tokens.mask.sum(1))
    np.testing.assert_allclose(found.x[found.mask], tokens.x[tokens.mask], atol=1e-5)
    assert np.isfinite(found.x).all()


def test_every_parameter_has_a_gradient(case, params, learn):
    _, gradients = learn(params, case.values, case.mask, False)
    # Softmax takes what all keys share away again: the bias of keys is there for public checkpoints alone.
    flat = {path: leaf for path, leaf in paths.flatten(gradients).items() if not path.endswith("/key/bias")}
    assert [path for path, leaf in flat.items() if not np.abs(leaf).max() > 1e-6] == []


def test_in_training_too_what_lies_under_the_mask_changes_nothing(case, params, tokens):
    module = case.module.clone(dropout=0.3) if hasattr(case.module, "dropout") else case.module
    train = reference.compiled(partial(module.apply, train=True, rngs={"dropout": jax.random.key(1)}))
    clean, spoilt = (train({"params": params}, values, case.mask) for values in (case.values, case.covered()))
    np.testing.assert_array_equal(spoilt.mask, clean.mask)
    np.testing.assert_allclose(spoilt.x[clean.mask], clean.x[clean.mask], atol=1e-6)
    assert np.isfinite(spoilt.x).all()
    if hasattr(case.module, "dropout"):
        assert np.abs(clean.x - tokens.x)[tokens.mask].max() > 1e-3, "dropout acts"


def test_rows_that_are_all_missing_have_finite_outputs_and_gradients(case, params, learn):
    nothing = dataclasses.replace(case, mask=np.zeros_like(case.mask))
    out, gradients = learn(params, nothing.covered(), nothing.mask, True)
    assert not out.mask.any()
    assert np.isfinite(out.x).all()
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(gradients))


# One case of a file, no variants: every operation is compiled by itself.
@pytest.mark.parametrize("case", [name for name in CASES if "," not in name], indirect=True, scope="module")
def test_jit_gives_what_eager_gives(case, params, tokens):
    eager = case.module.apply({"params": params}, case.values, case.mask, train=False)
    np.testing.assert_array_equal(eager.mask, tokens.mask)
    np.testing.assert_allclose(eager.x, tokens.x, atol=1e-5)


def test_bf16_stays_bf16(case, params):
    given = cast((params, jnp.asarray(case.values)), "bfloat16")
    low = jax.eval_shape(partial(case.module.apply, train=False), {"params": given[0]}, given[1], case.mask)
    assert low.x.dtype == jnp.bfloat16


def test_values_as_they_were_measured_are_computed_in_the_type_of_the_parameters(case, params, encode, tokens):
    low = encode({"params": cast(params, "bfloat16")}, case.values, case.mask)
    assert low.x.dtype == jnp.bfloat16
    np.testing.assert_allclose(low.x.astype(jnp.float32), tokens.x, atol=0.15)
