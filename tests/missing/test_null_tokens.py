"""Null tokens against a loop over rows and modalities."""

import numpy as np

from mmjax.fusion.concat_features import ConcatFeatures
from mmjax.missing.null_tokens import NullTokens
from tests.fusion.case import ORDER, B, D, apply, modalities

GIVEN = modalities(lengths={"text": 3, "image": 4, "audio": 1})


def test_a_missing_modality_is_one_learned_token_where_another_is_there():
    params, found, _ = apply(NullTokens(ORDER), GIVEN)
    for b in range(B):
        anything = any(GIVEN[name].mask[b].any() for name in ORDER)
        for name in ORDER:
            rows = [GIVEN[name].x[b, i] for i in np.flatnonzero(GIVEN[name].mask[b])]
            if not rows and anything:
                rows = [params[name]]
            np.testing.assert_allclose(found[name].x[b, found[name].mask[b]], np.reshape(rows, (-1, D)))
    assert found["text"].mask[2].tolist() == [True, False, False]


def test_its_content_reaches_an_op_that_mixes_features_which_zeros_would_not():
    given = modalities(lengths=dict.fromkeys(ORDER, 1))
    _, found, _ = apply(NullTokens(ORDER), given)
    _, with_token, _ = apply(ConcatFeatures(ORDER), found)
    _, with_zeros, _ = apply(ConcatFeatures(ORDER), given)
    apart = np.abs(with_token.x - with_zeros.x).max((1, 2))
    assert apart[2] > 1e-3 and apart[0] == 0
