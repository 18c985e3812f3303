"""A network over pairs against a loop over them, with each pair and what conditions it laid side by side."""

import numpy as np

from mmjax.nn.pair_mlp import PairMlp
from tests import reference


def test_each_pair_and_its_condition_go_through_all_layers():
    rng = np.random.default_rng(0)
    x, asked = rng.normal(size=(2, 3, 4)).astype(np.float32), rng.normal(size=(2, 5)).astype(np.float32)
    module = PairMlp(layers=2, hidden=6)
    params = reference.parameters(module, x, {"question": asked})
    found = module.apply({"params": params}, x, {"question": asked})
    kernel = np.concatenate([params[name]["kernel"] for name in ("first", "second", "question")])
    whole = {"kernel": kernel, "bias": params["first"]["bias"]}
    for b, i, j in np.ndindex(2, 3, 3):
        inner = np.maximum(reference.dense(np.concatenate([x[b, i], x[b, j], asked[b]])[None], whole), 0)
        expected = np.maximum(reference.dense(inner, params["dense_1"]), 0)[0]
        np.testing.assert_allclose(found[b, i, j], expected, atol=1e-5)
