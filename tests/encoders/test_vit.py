"""The vision transformer against loops over its published form."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mmjax.core.precision import cast
from mmjax.encoders.vit import Vit
from mmjax.nn.learned_position import LearnedPosition
from mmjax.nn.patch_embedding import PatchEmbedding
from mmjax.nn.sine_position import SinePosition
from mmjax.nn.stack import to_scan
from tests import reference
from tests.encoders.case import DIM as WIDE
from tests.encoders.case import Case

DIM, HEADS, LAYERS = 6, 2, 2
SIZES = dict(dim=DIM, layers=LAYERS, heads=HEADS, hidden=5)
PIXELS = np.random.default_rng(0).integers(0, 256, (2, 4, 6, 3), dtype=np.uint8)
THERE = np.ones(2, bool)

SMALL = dict(dim=WIDE, heads=2, hidden=8, stem=PatchEmbedding(2, WIDE), position=SinePosition())
FLOATS = np.random.default_rng(0).integers(0, 256, (3, 4, 6, 3)).astype(np.float32)
CASES = {
    "vit": Case(Vit(**SMALL, layers=2), FLOATS, np.array([True, False, True])),
    "vit, several pictures": Case(
        Vit(**SMALL, layers=1),
        np.stack([FLOATS, np.roll(FLOATS, 1, axis=0)], axis=1),
        np.array([[True, False], [False, False], [False, True]]),
    ),
}


def vit(**changes):
    return Vit(**SIZES | dict(stem=PatchEmbedding(2, DIM), position=LearnedPosition()) | changes)


@pytest.fixture(scope="module")
def params():
    return reference.parameters(vit(), PIXELS, THERE, train=False)


run = jax.jit(partial(vit(dropout=0.5).apply, train=False))  # no dropout outside training


def test_it_is_patches_of_pixels_in_minus_one_to_one_positions_blocks_and_a_last_norm(params):
    cut = (PIXELS / 127.5 - 1).reshape(2, 2, 2, 3, 2, 3).swapaxes(2, 3).reshape(2, 6, 12)
    x = reference.dense(cut, params["stem"]["patch"])
    x = x + params["position"]["table"].reshape(6, DIM)
    for i in range(LAYERS):
        layer = params["stack"][f"layers_{i}"]
        inner = reference.layer_norm(x, layer["attention_norm"])
        all_of_them = np.ones((2, 6, 6), bool), np.zeros((HEADS, 6, 6))
        scale = (DIM // HEADS) ** -0.5
        x = x + reference.attention(inner, inner, layer["attention"], *all_of_them, heads=HEADS, scale=scale)
        x = x + reference.mlp(reference.layer_norm(x, layer["mlp_norm"]), layer["mlp"])
    found = run({"params": params}, PIXELS, THERE)
    np.testing.assert_allclose(found.x, reference.layer_norm(x, params["norm"]), atol=1e-4)
    assert found.mask.all()


@pytest.mark.parametrize("compute", ["float32", "bfloat16"])
def test_pixels_may_be_bytes_or_floats_and_the_parameters_choose_the_type_computed_in(params, compute):
    low = {"params": cast(params, compute)}
    as_bytes = run(low, PIXELS, THERE)
    np.testing.assert_array_equal(as_bytes.x, run(low, PIXELS.astype(np.float32), THERE).x)
    assert as_bytes.x.dtype == compute
    every = np.arange(256)
    np.testing.assert_array_equal(jnp.asarray(every, jnp.bfloat16).astype(jnp.float32), every)


def test_loop_and_scan_agree(params):
    scanned = jax.jit(partial(vit(scan=True).apply, train=False))
    given = {**params, "stack": to_scan(params["stack"])}
    np.testing.assert_allclose(
        scanned({"params": given}, PIXELS, THERE).x, run({"params": params}, PIXELS, THERE).x, atol=1e-5
    )


def test_dropout_acts_in_training_on_the_patches_and_on_what_each_part_adds(params):
    train = jax.jit(partial(vit(dropout=1 - 1e-9).apply, train=True))
    nothing = train({"params": params}, PIXELS, THERE, rngs={"dropout": jax.random.key(0)})
    np.testing.assert_allclose(nothing.x, np.broadcast_to(params["norm"]["bias"], nothing.x.shape), atol=1e-6)


def test_heads_that_do_not_divide_the_width_are_refused_when_it_is_made():
    with pytest.raises(ValueError, match="dim 6 does not divide by heads 4"):
        vit(heads=4)


@pytest.mark.parametrize(("shape", "mask"), [((2, 6, 3), (2,)), ((2, 3, 4, 6, 3), (2,)), ((2, 4, 6, 3), (2, 1))])
def test_pictures_of_another_form_are_refused_with_what_was_given(shape, mask):
    with pytest.raises(ValueError, match=r"Vit takes values \[B, .*H, W, C\] with a mask \[B.*\], given \(2, "):
        jax.eval_shape(partial(vit().init, train=False), jax.random.key(0), np.zeros(shape), np.ones(mask, bool))


def test_a_stem_that_ends_at_another_width_is_refused():
    with pytest.raises(ValueError, match="dim is 7, but the transformer has dim 6; make them equal"):
        jax.eval_shape(partial(vit(stem=PatchEmbedding(2, 7)).init, train=False), jax.random.key(0), PIXELS, THERE)


def test_the_exact_form_of_gelu_is_a_choice(params):
    given = {"params": params}
    exact = jax.jit(partial(vit(approximate=False).apply, train=False))(given, PIXELS, THERE).x
    assert 0 < np.abs(exact - run(given, PIXELS, THERE).x).max() < 0.01


def test_several_pictures_are_each_encoded_alone_and_follow_each_other(params):
    rng = np.random.default_rng(1)
    pictures = rng.integers(0, 256, (2, 3, 4, 6, 3), dtype=np.uint8)
    there = np.array([[True, True, False], [True, False, True]])
    found = run({"params": params}, pictures, there)
    for n in range(3):
        alone, place = run({"params": params}, pictures[:, n], there[:, n]), slice(6 * n, 6 * n + 6)
        np.testing.assert_allclose(found.x[:, place], alone.x, atol=1e-5)
        np.testing.assert_array_equal(found.mask[:, place], alone.mask)
