"""The text transformer against loops."""

import jax
import numpy as np
import pytest

from mmjax.encoders.text_transformer import TextTransformer
from mmjax.nn.table_position import TablePosition
from tests import reference
from tests.encoders import loops
from tests.encoders.case import DIM, Case, lengths

IDS = np.random.default_rng(0).integers(0, 11, (3, 5), dtype=np.int32)
MASK = lengths(4, 0, 5, size=5)
TEXT = TextTransformer(dim=DIM, vocab=11, layers=2, heads=2, hidden=6)
LEARNED = TEXT.clone(position=TablePosition(7))
CASES = {
    "text_transformer": Case(TEXT, IDS, MASK, junk=10**6),
    "text_transformer, learned positions": Case(LEARNED, IDS, MASK, junk=-(10**6)),
}


@pytest.mark.parametrize("module", [TEXT, LEARNED], ids=["sine", "learned"])
def test_it_is_embeddings_positions_and_blocks(module):
    params = reference.parameters(module, IDS, MASK, train=False)
    x = np.array([[params["embed"]["embedding"][i] for i in row] for row in IDS])
    x = x + (params["position"]["table"][:5] if "position" in params else loops.waves(np.arange(5), DIM))
    found = loops.run(module, params, IDS, MASK)
    loops.close(found, loops.transformer(x, params["transformer"], MASK, heads=2), MASK)


def test_the_order_of_words_counts():
    params = reference.parameters(TEXT, IDS, MASK, train=False)
    swapped = IDS[:, [1, 0, 2, 3, 4]]
    one, other = (loops.run(TEXT, params, ids, MASK).x for ids in (IDS, swapped))
    assert np.abs(one[2, 2:] - other[2, 2:]).max() > 0.01


def test_more_tokens_than_positions_and_sizes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="there are positions for 4 tokens, but 5 are given"):
        jax.eval_shape(lambda: TEXT.clone(position=TablePosition(4)).init(jax.random.key(0), IDS, MASK, train=False))
    with pytest.raises(ValueError, match="dim 8 does not divide by heads 3"):
        TextTransformer(dim=8, vocab=3, heads=3)
    with pytest.raises(ValueError, match="vocab is 0; expected at least 1"):
        TextTransformer(dim=8, vocab=0)
    with pytest.raises(ValueError, match=r"dropout is 1.5; expected a share in \[0, 1\)"):
        TextTransformer(dim=8, vocab=3, dropout=1.5)
