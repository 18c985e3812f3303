"""Logits of labels against a linear map in a loop."""

import numpy as np
import pytest

from mmjax.heads.multi_label import MultiLabel
from tests import reference
from tests.heads.case import Case, hidden, tokens

CASES = {"multi_label": Case(MultiLabel(labels=4))}


@pytest.mark.parametrize("module", [MultiLabel(labels=4), MultiLabel(labels=1, hidden=5)])
def test_it_is_a_linear_map_of_the_features(module):
    given = tokens()
    params = reference.parameters(module, given, train=False)
    expected = reference.dense(hidden(given, params), params["logits"])
    np.testing.assert_allclose(module.apply({"params": params}, given, train=False), expected, atol=1e-5)


def test_no_label_at_all_is_refused():
    with pytest.raises(ValueError, match="labels is 0; expected at least 1"):
        MultiLabel(labels=0)
