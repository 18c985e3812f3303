"""All places side by side against a sum over places."""

import jax
import numpy as np

from mmjax.core.tokens import Tokens
from mmjax.nn.flatten import Flatten

MASK = np.array([[1, 1, 1], [0, 1, 0], [0, 0, 0]], bool)
X = np.random.default_rng(0).normal(size=(3, 3, 4)).astype(np.float32)


def test_each_place_has_a_map_of_its_own_and_what_is_not_real_adds_nothing():
    rng = np.random.default_rng(1)
    params = {"out": {"kernel": rng.normal(size=(12, 4)), "bias": rng.normal(size=4)}}
    dirty = Tokens.of(np.where(MASK[..., None], X, np.nan), MASK)
    found = jax.jit(lambda tokens: Flatten().apply({"params": params}, tokens, train=False))(dirty)
    np.testing.assert_array_equal(found.mask, [[True], [True], [False]])
    for b in range(3):
        maps = params["out"]["kernel"].reshape(3, 4, 4)
        expected = params["out"]["bias"] + sum(X[b, i] @ maps[i] for i in range(3) if MASK[b, i])
        np.testing.assert_allclose(found.x[b, 0], expected, atol=1e-5)
