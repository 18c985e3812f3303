"""Vectors of ids against loops."""

import numpy as np
import pytest

from mmjax.encoders.embedding import Embedding
from mmjax.nn.table_position import TablePosition
from tests import reference
from tests.encoders import loops
from tests.encoders.case import DIM, Case, lengths

IDS = np.random.default_rng(0).integers(0, 11, (3, 5), dtype=np.int32)
MASK = lengths(4, 0, 5, size=5)
WAVES = Embedding(dim=DIM, vocab=11)
LEARNED = WAVES.clone(position=TablePosition(9))
CASES = {"embedding": Case(WAVES, IDS, MASK, junk=10**6), "embedding, learned": Case(LEARNED, IDS, MASK, junk=-5)}


@pytest.mark.parametrize("module", [WAVES, LEARNED], ids=["sine", "learned"])
def test_it_is_a_vector_for_each_id_with_its_position(module):
    params = reference.parameters(module, IDS, MASK, train=False)
    x = np.array([[params["embed"]["embedding"][i] for i in row] for row in IDS])
    x = x + (params["position"]["table"][:5] if "position" in params else loops.waves(np.arange(5), DIM))
    loops.close(loops.run(module, params, IDS, MASK), x, MASK)


def test_a_table_of_nothing_is_refused():
    with pytest.raises(ValueError, match="vocab is 0; expected at least 1"):
        Embedding(dim=DIM, vocab=0)
