"""PaLI's own: what its memory is, and what tied logits are made of. What it shares with others is in test_contract."""

import jax
import numpy as np

from mmjax.core.tokens import Tokens
from mmjax.models.pali import missing_first
from tests import reference
from tests.models.test_contract import BATCH, PATCHES, B, L, Q, changed, pali


def test_the_memory_is_the_picture_of_the_row_and_then_its_text():
    params = reference.parameters(pali(), BATCH, train=False)
    given = changed(image_mask=np.array([True, False]))
    mask = jax.jit(lambda batch: pali().apply({"params": params}, batch, train=False, method="encode").mask)(given)
    for row, (b, q) in zip(mask, np.ndindex(B, Q), strict=True):
        expected = [bool(given["image_mask"][b])] * PATCHES + list(given["text_mask"][b, q])
        np.testing.assert_array_equal(row, expected)
    assert mask.shape[1] == PATCHES + L


def test_tied_logits_are_made_by_the_embeddings_of_what_is_divided_by_the_root_of_the_width():
    params = reference.parameters(pali(tied=True), BATCH, train=False)
    tied = jax.jit(lambda batch: pali(tied=True).apply({"params": params}, batch, train=False))(BATCH)
    head = params["embed"]["embedding"].T / np.sqrt(8)
    untied = jax.jit(lambda batch: pali().apply({"params": params | {"head": head}}, batch, train=False))(BATCH)
    np.testing.assert_allclose(tied, untied, atol=1e-5)


def test_tokens_of_missing_pictures_go_before_the_others_which_keep_their_order():
    mask = np.array([[True, False, True, True, False], [False] * 5])
    x = np.arange(10.0).reshape(2, 5, 1)
    moved = missing_first(Tokens.of(x, mask))
    np.testing.assert_array_equal(moved.x[..., 0], [[1, 4, 0, 2, 3], [5, 6, 7, 8, 9]])
    np.testing.assert_array_equal(moved.mask, [[False, False, True, True, True], [False] * 5])
