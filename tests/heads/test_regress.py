"""Numbers against a linear map in a loop."""

import numpy as np
import pytest

from mmjax.heads.regress import Regress
from tests import reference
from tests.heads.case import Case, hidden, tokens

CASES = {"regress": Case(Regress(outputs=2))}


@pytest.mark.parametrize(("module", "outputs"), [(Regress(), 1), (Regress(outputs=3, hidden=5), 3)])
def test_it_is_a_linear_map_of_the_features(module, outputs):
    given = tokens()
    params = reference.parameters(module, given, train=False)
    expected = reference.dense(hidden(given, params), params["numbers"])
    found = module.apply({"params": params}, given, train=False)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert found.shape == (4, outputs)


def test_no_output_at_all_is_refused():
    with pytest.raises(ValueError, match="outputs is 0; expected at least 1"):
        Regress(outputs=0)
