"""The laws of the one currency: joined and parted without loss, checked when made, at home in every transformation."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mmjax.core.tokens import Tokens, join, part

NAMES = ("image", "text", "audio", "video")


def some(rng: np.random.Generator, length: int, batch: int = 3, width: int = 4) -> Tokens:
    """Random tokens with NaN and huge numbers under the mask."""
    mask = rng.random((batch, length)) < 0.6
    x = rng.normal(size=(batch, length, width)).astype(np.float32)
    under = np.float32(rng.choice([np.nan, 1e30, -np.inf]))
    return Tokens(np.where(mask[..., None], x, under), mask)


def drawn(seed: int) -> tuple[dict[str, Tokens], tuple[str, ...]]:
    """One to four modalities of lengths 1 to 5, as a dict in one order and a sequence in another."""
    rng = np.random.default_rng(seed)
    names = list(rng.permutation(NAMES)[: rng.integers(1, 5)])
    modalities = {str(name): some(rng, int(rng.integers(1, 6))) for name in names}
    return modalities, tuple(str(name) for name in rng.permutation(names))


def same(one: Tokens, other: Tokens) -> None:
    np.testing.assert_array_equal(one.x, other.x)
    np.testing.assert_array_equal(one.mask, other.mask)


@pytest.mark.parametrize("seed", range(12))
def test_part_takes_apart_exactly_what_join_put_together_and_join_puts_it_together_again(seed):
    modalities, order = drawn(seed)
    joined = join(modalities, order)
    parts = part(joined, modalities, order)
    assert parts.keys() == modalities.keys()
    for name in order:
        same(parts[name], modalities[name])
    same(join(parts, order), joined)


def test_join_lays_the_tokens_one_after_the_other_as_the_order_says():
    rng = np.random.default_rng(0)
    modalities = {"text": some(rng, 2), "image": some(rng, 3)}
    joined = join(modalities, ("image", "text"))
    for b in range(3):
        rows = [
            (modalities[name].x[b, i], modalities[name].mask[b, i])
            for name, i in [("image", 0), ("image", 1), ("image", 2), ("text", 0), ("text", 1)]
        ]
        for place, (x, real) in enumerate(rows):
            np.testing.assert_array_equal(joined.x[b, place], x)
            assert joined.mask[b, place] == real


def test_the_order_of_the_dict_does_not_matter_inside_jit_or_outside():
    rng = np.random.default_rng(1)
    image, text = some(rng, 3), some(rng, 2)
    order = ("text", "image")
    expected = join({"image": image, "text": text}, order)
    same(join({"text": text, "image": image}, order), expected)
    joined = jax.jit(lambda modalities: join(modalities, order))({"text": text, "image": image})
    same(joined, expected)


@pytest.mark.parametrize("order", [("image",), ("image", "text", "audio"), ("image", "text", "text")])
def test_an_order_that_does_not_name_each_modality_once_is_refused(order):
    tokens = some(np.random.default_rng(0), 2)
    modalities = {"image": tokens, "text": tokens}
    with pytest.raises(ValueError, match=r"must name each modality once; there are \('image', 'text'\)"):
        join(modalities, order)
    with pytest.raises(ValueError, match="must name each modality once"):
        part(tokens, modalities, order)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (dict(length=2, width=6), r"share one width, given \{'image': 4, 'text': 6\}"),
        (dict(length=2, batch=1), r"share one batch size, given \{'image': 3, 'text': 1\}"),
        (dict(length=0), r"must have a token, given lengths \{'image': 2, 'text': 0\}"),
    ],
)
def test_modalities_of_unlike_sizes_or_without_a_token_do_not_join(text, told):
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match=told):
        join({"text": some(rng, **text), "image": some(rng, 2)}, ("image", "text"))


def test_no_modality_at_all_does_not_join():
    with pytest.raises(ValueError, match=r"there is no modality, with order \(\); expected at least one"):
        join({}, ())


def test_tokens_that_do_not_add_up_are_not_parted():
    rng = np.random.default_rng(0)
    like = {"image": some(rng, 2), "text": some(rng, 3)}
    with pytest.raises(ValueError, match=r"6 tokens cannot be parted into lengths \{'image': 2, 'text': 3\}"):
        part(some(rng, 6), like, ("image", "text"))


@pytest.mark.parametrize(
    ("x", "mask", "message"),
    [
        (np.zeros((2, 3)), np.ones((2, 3), bool), r"shape \[B, L, D\], given \(2, 3\)"),
        (np.zeros((2, 3, 4)), np.ones((2, 4), bool), r"mask of shape \(2, 3\) for this x, given \(2, 4\)"),
        (np.zeros((2, 3, 4)), np.ones((3, 2), bool), r"mask of shape \(2, 3\) for this x, given \(3, 2\)"),
        (np.zeros((2, 3, 4)), np.ones((2, 3), np.int32), r"bool mask \(True = real\), given int32"),
    ],
)
def test_tokens_of_refuses_what_does_not_fit_and_says_what_was_given(x, mask, message):
    with pytest.raises(ValueError, match=message):
        Tokens.of(x, mask)


def test_tokens_cross_jit_vmap_scan_and_grad():
    tokens = some(np.random.default_rng(2), 4)
    same(jax.jit(lambda t: t)(tokens), tokens)
    same(jax.vmap(lambda t: t)(tokens), tokens)
    _, scanned = jax.lax.scan(lambda carry, t: (carry, t), 0, tokens)
    same(scanned, tokens)
    ones = jax.grad(lambda t: jnp.sum(t.x), allow_int=True)(tokens)
    np.testing.assert_array_equal(ones.x, np.ones_like(tokens.x))


def test_tokens_are_rebuilt_by_tree_map_whatever_their_leaves_become():
    tokens = some(np.random.default_rng(3), 4)
    assert jax.tree.map(lambda leaf: None, tokens) == Tokens(None, None)
    spec = jax.tree.map(lambda leaf: jax.sharding.PartitionSpec("data"), tokens)
    assert spec == Tokens(jax.sharding.PartitionSpec("data"), jax.sharding.PartitionSpec("data"))
    shapes = jax.eval_shape(lambda t: t, tokens)
    assert (shapes.x.shape, shapes.mask.dtype) == ((3, 4, 4), bool)
    half = Tokens(None, tokens.mask)
    np.testing.assert_array_equal(jax.tree.map(lambda leaf: ~leaf, half).mask, ~tokens.mask)


def test_tokens_are_changed_by_replace_alone():
    tokens = some(np.random.default_rng(4), 2)
    with pytest.raises(dataclasses.FrozenInstanceError):
        tokens.x = tokens.x + 1
    other = tokens.replace(mask=~tokens.mask)
    np.testing.assert_array_equal(other.x, tokens.x)
    np.testing.assert_array_equal(other.mask, ~tokens.mask)


def test_cleared_tokens_hold_zero_under_the_mask_and_pass_no_gradient_there():
    rng = np.random.default_rng(5)
    tokens = some(rng, 5)
    cleared = tokens.cleared()
    for b in range(3):
        for i in range(5):
            np.testing.assert_array_equal(cleared.x[b, i], tokens.x[b, i] if tokens.mask[b, i] else np.zeros(4))
    gradient = jax.grad(lambda x: jnp.sum(tokens.replace(x=x).cleared().x ** 2))(jnp.asarray(tokens.x))
    np.testing.assert_allclose(gradient, 2 * np.asarray(cleared.x), rtol=1e-6)
