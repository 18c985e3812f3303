"""Logits of classes against a linear map in a loop."""

import numpy as np
import pytest

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


def test_a_choice_among_fewer_than_two_is_refused():
    with pytest.raises(ValueError, match="classes is 1; expected at least 2"):
        Classify(classes=1)
