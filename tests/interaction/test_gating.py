"""Gates that the others set, against a loop over rows and modalities."""

import numpy as np

from mmjax.interaction.gating import Gating
from tests.fusion.case import ORDER, B, D, apply, dense, modalities

GIVEN = modalities(lengths={"text": 3, "image": 4, "audio": 2})


def test_each_feature_is_scaled_by_a_gate_computed_from_the_means_of_the_others():
    params, found, _ = apply(Gating(ORDER), GIVEN)
    for b in range(B):
        means = {}
        for name in ORDER:
            rows = [GIVEN[name].x[b, i] for i in range(GIVEN[name].mask.shape[1]) if GIVEN[name].mask[b, i]]
            means[name] = sum(rows) / len(rows) if rows else np.zeros(D)
        for name in ORDER:
            gate = dense(np.concatenate([means[other] for other in ORDER if other != name]), params[name])
            for i in np.flatnonzero(GIVEN[name].mask[b]):
                expected = 2 / (1 + np.exp(-gate)) * GIVEN[name].x[b, i]
                np.testing.assert_allclose(found[name].x[b, i], expected, atol=1e-5)


def test_a_modality_whose_others_are_all_missing_stays_as_it_is():
    alone = GIVEN | {name: GIVEN[name].replace(mask=GIVEN[name].mask & False) for name in ORDER[1:]}
    _, found, _ = apply(Gating(ORDER), alone)
    np.testing.assert_array_equal(found["text"].x[0], GIVEN["text"].x[0])
