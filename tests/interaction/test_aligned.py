"""Reading in step against loops over rows, modalities, lags and steps."""

import numpy as np
import pytest

from mmjax.interaction.aligned import Aligned
from tests.fusion.case import ORDER, B, D, apply, modalities

MOST = 2
GIVEN = modalities(lengths={"text": 3, "image": 4, "audio": 2})


def standard(one, b, kernel):
    """{step: what is compared of it}: projected, less the mean, of mean square 1."""
    at = np.flatnonzero(one.mask[b])
    x = one.x[b, at].astype(float) @ kernel
    x = x - x.mean(0) if len(x) else x
    return dict(zip(at, x / np.sqrt(np.mean(x**2) + 1e-6) if len(x) else x, strict=True))


def test_each_modality_adds_what_the_others_hold_at_the_lags_that_fit():
    params, found, maps = apply(Aligned(ORDER, most=MOST, dim=2), GIVEN)
    assert maps == {}, "they leave from within"
    for name in ORDER:
        wanted = np.where(GIVEN[name].mask[..., None], GIVEN[name].x, 0).astype(float)
        for other in (other for other in ORDER if other != name):
            own, source = params[f"{name}_from_{other}"], GIVEN[other]
            for b in range(B):
                query = standard(GIVEN[name], b, own["query"]["kernel"])
                key = standard(source, b, own["key"]["kernel"])
                scores = {}
                for lag in range(-MOST, MOST + 1):
                    both = [np.mean(query[t] * key[t + lag]) for t in query if t + lag in key]
                    if both:
                        scores[lag] = np.exp(np.exp(own["log_scale"]) * np.mean(both))
                for t in query:
                    moved = np.zeros(D)
                    for lag, score in scores.items():
                        if t + lag in key:
                            moved += score / sum(scores.values()) * source.x[b, t + lag]
                    wanted[b, t] += moved @ params[f"{name}_from_{other}_out"]["kernel"]
        real = GIVEN[name].mask
        np.testing.assert_allclose(found[name].x[real], wanted[real], atol=1e-4)


def test_a_window_of_nothing_is_told():
    with pytest.raises(ValueError, match="most is 0; expected at least 1"):
        Aligned(ORDER, most=0)
