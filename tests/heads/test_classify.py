"""Logits of classes against a linear map in a loop."""

import jax
import numpy as np
import pytest
from flax import linen as nn

from mmjax.heads.classify import Classify
from tests import reference
from tests.heads.case import Case, hidden, tokens

CASES = {
    "classify": Case(Classify(classes=3)),
    "classify, hidden": Case(Classify(classes=2, hidden=5, dropout=0.3)),  # no dropout outside training
}


@pytest.mark.parametrize("name", CASES)
def test_it_is_a_linear_map_of_the_features(name):
    given, module = tokens(), CASES[name].module
    params = reference.parameters(module, given, train=False)
    expected = reference.dense(hidden(given, params), params["logits"])
    np.testing.assert_allclose(module.apply({"params": params}, given, train=False), expected, atol=1e-5)


def test_it_starts_as_other_layers_do_or_as_much_narrower_as_is_said():
    given = tokens()
    kernels = [
        Classify(classes=3, start=start).init(jax.random.key(0), given, train=False)["params"]["logits"]["kernel"]
        for start in (1.0, 0.001)
    ]
    np.testing.assert_allclose(kernels[1], 0.001 * kernels[0], rtol=1e-5)
    plain = nn.Dense(3).init(jax.random.key(0), np.zeros((500, given.x.shape[-1])))["params"]["kernel"]
    assert kernels[0].std() == pytest.approx(plain.std(), rel=0.5)
    with pytest.raises(ValueError, match=r"start is 0\.0; expected a number above 0"):
        Classify(classes=3, start=0.0)


def test_a_choice_among_fewer_than_two_is_refused():
    with pytest.raises(ValueError, match="classes is 1; expected at least 2"):
        Classify(classes=1)
