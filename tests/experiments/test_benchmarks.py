"""The multimodal benchmarks compare equals: by hand the composed model has the same loss and the same gradients."""

import jax
import numpy as np

from experiments.benchmarks import multimodal, sizes
from experiments.benchmarks.by_hand import by_hand
from mmjax.core import paths
from mmjax.losses.cross_entropy import cross_entropy
from tests import reference


def test_by_hand_the_model_is_the_composed_one(monkeypatch):
    names = ("image", "text", "series")
    small = dict(dim=24, layers=1, heads=3, hidden=40, size=32, vocab=50, length=6, steps=12, batch=3)
    monkeypatch.setattr(sizes, "COMPOSED", sizes.COMPOSED | small)
    model = multimodal.model_of(names)
    batch, label = next(sizes.composed(names))
    params = reference.parameters(model, batch, train=False)

    def loss(forward):
        return jax.jit(jax.value_and_grad(lambda params: cross_entropy(forward(params), label, 0.0).mean()))(params)

    composed, expected = loss(lambda params: model.apply({"params": params}, batch, train=True))
    hand, found = loss(lambda params: by_hand(names, params, batch))
    np.testing.assert_allclose(hand, composed, rtol=1e-5)
    found = paths.flatten(found)
    for path, gradient in paths.flatten(expected).items():
        np.testing.assert_allclose(found[path], gradient, rtol=1e-4, atol=1e-5, err_msg=path)
