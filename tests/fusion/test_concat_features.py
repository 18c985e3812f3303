"""Features side by side against a loop over positions."""

import numpy as np

from mmjax.fusion.concat_features import ConcatFeatures
from tests.fusion.case import ORDER, D, apply, dense, modalities, positions


def test_it_is_a_linear_map_of_all_features_with_zeros_for_what_is_missing():
    given = modalities()
    params, found, _ = apply(ConcatFeatures(ORDER), given)
    for b, i, real in positions(given):
        if real:
            row = np.concatenate([real.get(name, np.zeros(D)) for name in ORDER])
            np.testing.assert_allclose(found.x[b, i], dense(row, params["out"]), atol=1e-5)
