"""Gemma's decoder against loops: rotary places that count real tokens, one shared key, a prefix that sees itself."""

import math
from functools import partial

import jax
import numpy as np
import pytest

from mmjax.core.tokens import Tokens
from mmjax.decode.gemma_decoder import GemmaDecoder
from tests import reference

B, S, T, D, H, K = 2, 3, 2, 6, 2, 4
rng = np.random.default_rng(0)
MEMORY = Tokens.of(rng.normal(size=(B, S, D)).astype(np.float32), np.array([[True, True, True], [False, True, True]]))
X = rng.normal(size=(B, T, D)).astype(np.float32)
THERE = np.array([[True, False], [True, True]])


def gemma(kv_heads=1):
    return GemmaDecoder(layers=2, heads=H, head_dim=K, hidden=5, kv_heads=kv_heads)


def norm(x, params):
    return reference.rms_norm(x, {"scale": 1 + params["scale"]})


def turned(x, at):
    """x [L, K] turned by hand: the pair (i, i + K/2) by at * 10000 ** (-2i / K)."""
    out = np.array(x)
    for row, place in enumerate(at):
        for i in range(K // 2):
            angle = place * 10_000 ** (-2 * i / K)
            a, b = x[row, i], x[row, i + K // 2]
            out[row, i] = a * math.cos(angle) - b * math.sin(angle)
            out[row, i + K // 2] = b * math.cos(angle) + a * math.sin(angle)
    return out


def attention(x, params, at, mask, groups):
    """One row x [L, D]: head h looks with its own query at key h * groups // H."""
    query, key, value = (reference.dense(x, params[name]) for name in ("query", "key", "value"))
    heads = []
    for h in range(H):
        g = h * groups // H
        q = turned(query[:, h * K : h * K + K], at)
        k = turned(key[:, g * K : g * K + K], at)
        v = value[:, g * K : g * K + K]
        args = (y[None, :, None] for y in (q, k, v))
        heads.append(reference.attend(*args, mask[None], np.zeros((1, *mask.shape)), K**-0.5)[0][0, :, 0])
    return reference.dense(np.concatenate(heads, axis=-1), params["out"])


@pytest.mark.parametrize("groups", [1, 2])
def test_it_is_blocks_over_the_memory_and_what_is_written_at_places_that_count_real_tokens(groups):
    params = reference.parameters(gemma(groups), MEMORY, X, THERE, train=False)
    found = jax.jit(partial(gemma(groups).apply, train=False))({"params": params}, MEMORY, X, THERE)
    for b in range(B):
        real = np.concatenate([MEMORY.mask[b], THERE[b]])
        at = [max(0, sum(real[: i + 1]) - 1) for i in range(S + T)]
        mask = np.array([[real[s] and (s <= i or s < S) for s in range(S + T)] for i in range(S + T)])
        x = np.concatenate([MEMORY.x[b], X[b]]) * real[:, None]
        for i in range(2):
            layer = params["stack"][f"layers_{i}"]
            x = x + attention(norm(x, layer["attention_norm"]), layer["attention"], at, mask, groups)
            x = x + reference.gated_mlp(norm(x, layer["mlp_norm"]), layer["mlp"])
        np.testing.assert_allclose(found[b], norm(x, params["norm"])[S - 1 :], atol=1e-4)


def test_padding_within_the_memory_sets_nothing_apart():
    params = {"params": reference.parameters(gemma(), MEMORY, X, THERE, train=False)}
    run = jax.jit(partial(gemma().apply, train=False))
    gap = Tokens.of(
        np.insert(MEMORY.x, 2, 7.0, axis=1).astype(np.float32), np.insert(np.asarray(MEMORY.mask), 2, False, axis=1)
    )
    np.testing.assert_allclose(run(params, gap, X, THERE), run(params, MEMORY, X, THERE), atol=1e-5)


def test_sizes_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="kv_heads is 0; expected at least 1"):
        gemma(kv_heads=0)
    with pytest.raises(ValueError, match=r"dropout is 1.0; expected a share in \[0, 1\)"):
        GemmaDecoder(layers=1, heads=H, head_dim=K, hidden=5, dropout=1.0)
    with pytest.raises(ValueError, match="2 heads cannot share 3 keys evenly"):
        jax.eval_shape(partial(gemma(3).init, train=False), jax.random.key(0), MEMORY, X, THERE)
