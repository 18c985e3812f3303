"""Words and regions against loops over texts, pictures, words and regions."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mmjax.align.regions import attention, fit
from mmjax.core.tokens import Tokens
from tests.reference import compiled

A, B, L, S, D = 4, 4, 3, 5, 4
SHARPNESS = 9.0


def tokens(rng, length, missing):
    """Row 0 whole, others partly real, one of nothing, NaN under masks."""
    mask = rng.random((A, length)) < 0.7
    mask[0], mask[1:, 0] = True, True
    mask[missing] = False
    return Tokens(np.where(mask[..., None], rng.normal(size=(A, length, D)), np.nan).astype(np.float32), mask)


@pytest.fixture(scope="module")
def given():
    rng = np.random.default_rng(0)
    return tokens(rng, L, 3), tokens(rng, S, 2)


def cosine(x, y):
    size = np.linalg.norm(x) * np.linalg.norm(y)
    return x @ y / size if size else 0.0


def found_by_words(words, regions):
    """{(word, region): weight} of one text [l, D] and one picture [s, D]."""
    scores = np.array([[max(cosine(word, region), 0) for region in regions] for word in words])
    scores = np.array([[one / (np.linalg.norm(scores[:, s]) or 1) for s, one in enumerate(row)] for row in scores])
    return np.array([[np.exp(SHARPNESS * one) / sum(np.exp(SHARPNESS * row)) for one in row] for row in scores])


def by_loops(words, regions, pool):
    wanted = np.zeros((A, B))
    for a, b in np.ndindex(A, B):
        text, picture = (one.x[n][one.mask[n]].astype(float) for one, n in ((words, a), (regions, b)))
        if len(text) and len(picture):
            weights = found_by_words(text, [region / np.linalg.norm(region) for region in picture])
            seen = [sum(w * r / np.linalg.norm(r) for w, r in zip(row, picture, strict=True)) for row in weights]
            each = np.array([cosine(word, one) for word, one in zip(text, seen, strict=True)])
            wanted[a, b] = np.mean(each) if pool == "mean" else np.log(np.sum(np.exp(6 * each))) / 6
    return wanted


def test_words_look_at_the_regions_that_are_like_them_more_than_like_other_words(given):
    words, regions = given
    found = compiled(attention)(words, regions)
    wanted = np.zeros((A, L, S))
    for b in range(A):
        at = np.ix_(words.mask[b], regions.mask[b])
        text, picture = (one.x[b][one.mask[b]].astype(float) for one in given)
        if len(text) and len(picture):
            wanted[b][at] = found_by_words(text, picture)
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    assert wanted[:2].any() and not found[2:].any()


@pytest.mark.parametrize("pool", ["mean", "log_sum"])
def test_each_text_is_compared_with_each_picture(given, pool):
    found = compiled(lambda *given: fit(*given, pool, SHARPNESS))(*given)
    np.testing.assert_allclose(found, by_loops(*given, pool), atol=1e-5)
    assert not found[3].any() and not found[:, 2].any()


@pytest.mark.parametrize("pool", ["mean", "log_sum"])
def test_gradients_are_those_of_small_changes_and_0_to_what_is_not_real(given, pool):
    weights = np.random.default_rng(1).normal(size=(A, B)).astype(np.float32)

    def total(words, regions):
        made = [one.replace(x=x) for one, x in zip(given, (words, regions), strict=True)]
        return jnp.sum(fit(*made, pool, SHARPNESS) * weights)

    x = [one.x for one in given]
    told = compiled(jax.grad(total, argnums=(0, 1)))(*x)
    for n, one in enumerate(given):
        assert np.isfinite(told[n]).all() and not told[n][~one.mask].any()
        way, ends = np.random.default_rng(2).normal(size=one.x.shape), []
        for sign in (1, -1):
            moved = list(given)
            moved[n] = one.replace(x=one.x + sign * 1e-6 * way)
            ends.append(np.sum(by_loops(*moved, pool) * weights))
        assert np.sum(told[n] * way) == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-2)


def test_vectors_without_a_direction_have_finite_gradients():
    nothing = [Tokens(np.zeros((1, size, D), np.float32), np.ones((1, size), bool)) for size in (L, S)]
    gradients = compiled(jax.grad(lambda *given: jnp.sum(fit(*given)), argnums=(0, 1), allow_int=True))(*nothing)
    assert all(np.isfinite(one.x).all() for one in gradients)


def test_another_pool_and_other_widths_are_told(given):
    with pytest.raises(ValueError, match="pool is 'max'; expected one of mean, log_sum"):
        fit(*given, "max")
    with pytest.raises(ValueError, match="words have width 4 and regions 3"):
        fit(given[0], given[1].replace(x=given[1].x[..., :3]))
