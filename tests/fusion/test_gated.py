"""The gated unit against the paper's form for two modalities, and a loop for three."""

import numpy as np

from mmjax.fusion.gated import Gated
from tests.fusion.case import ORDER, D, apply, dense, modalities, positions, softmax


def test_with_two_modalities_it_is_the_paper_s_unit():
    first, second = ORDER[:2]
    given = modalities(ORDER[:2])
    params, found, maps = apply(Gated((first, second)), given)
    for b, i, real in positions(given, (first, second)):
        hidden = {name: np.tanh(dense(x, params[f"{name}_hidden"])) for name, x in real.items()}
        if len(real) == 2:
            z = 1 / (1 + np.exp(-dense(np.concatenate([real[first], real[second]]), params["gate"])))
            np.testing.assert_allclose(found.x[b, i], z * hidden[first] + (1 - z) * hidden[second], atol=1e-5)
            np.testing.assert_allclose(maps["modality"][b, i], [z.mean(), 1 - z.mean()], atol=1e-5)
        elif real:
            np.testing.assert_allclose(found.x[b, i], sum(hidden.values()), atol=1e-5)


def test_with_three_each_feature_chooses_among_those_that_are_real_the_last_one_s_logit_being_0():
    given = modalities()
    params, found, _ = apply(Gated(ORDER), given)
    for b, i, real in positions(given):
        if not real:
            continue
        gates = dense(np.concatenate([real.get(name, np.zeros(D)) for name in ORDER]), params["gate"])
        logits = dict(zip(ORDER, [gates[:D], gates[D:], np.zeros(D)], strict=True))
        weights = softmax([logits[name] for name in real])
        hidden = [np.tanh(dense(x, params[f"{name}_hidden"])) for name, x in real.items()]
        expected = sum(weight * one for weight, one in zip(weights, hidden, strict=True))
        np.testing.assert_allclose(found.x[b, i], expected, atol=1e-5)


def test_nothing_in_it_has_a_bias_as_in_the_paper():
    params, _, _ = apply(Gated(ORDER), modalities())
    assert {name: list(leaf) for name, leaf in params.items()} == {
        name: ["kernel"] for name in ("gate", *(f"{name}_hidden" for name in ORDER))
    }
