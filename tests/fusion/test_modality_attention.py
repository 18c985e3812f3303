"""The choice of a modality at each time step against a loop over them."""

import numpy as np
import pytest

from mmjax.fusion.modality_attention import ModalityAttention
from tests.fusion.case import ORDER, apply, dense, modalities, positions, softmax


def test_each_time_step_has_its_own_weights_over_what_is_real_there_and_they_leave_as_a_map():
    given = modalities()
    params, found, maps = apply(ModalityAttention(ORDER, hidden=3), given)
    for b, i, real in positions(given):
        scores = [dense(np.tanh(dense(x, params["inner"])), params["score"]).item() for x in real.values()]
        weights = dict(zip(real, softmax(scores), strict=True))
        np.testing.assert_allclose(maps["modality"][b, i], [weights.get(name, 0) for name in ORDER], atol=1e-5)
        if real:
            np.testing.assert_allclose(found.x[b, i], sum(weights[name] * real[name] for name in real), atol=1e-5)
    assert np.std(maps["modality"][0], axis=0).min() > 0.01, "it chooses anew at each step"


def test_a_hidden_width_below_1_is_refused():
    with pytest.raises(ValueError, match="hidden is 0; expected at least 1"):
        ModalityAttention(ORDER, hidden=0)
