"""BERT's encoder against loops; parity with the public implementation is in tests/weights."""

import numpy as np
import pytest

from mmjax.encoders.bert import Bert
from mmjax.nn.stack import to_scan
from tests import reference
from tests.encoders import loops
from tests.encoders.case import DIM, Case, lengths

IDS = np.random.default_rng(0).integers(0, 11, (3, 5), dtype=np.int32)
MASK = lengths(4, 0, 5, size=5)
BERT = Bert(dim=DIM, vocab=11, layers=2, heads=2, hidden=6, length=9)
CASES = {"bert": Case(BERT, IDS, MASK, junk=10**6)}


def test_it_is_embeddings_a_norm_and_blocks_that_norm_after_adding():
    params = reference.parameters(BERT, IDS, MASK, train=False)
    x = np.zeros((3, 5, DIM))
    for b, t in np.ndindex(3, 5):
        x[b, t] = params["embed"]["embedding"][IDS[b, t]] + params["position"]["table"][t] + params["type"][0]
    x = reference.layer_norm(x, params["norm"], epsilon=1e-12)
    seen, nothing = np.repeat(MASK[:, None], 5, axis=1), np.zeros((2, 5, 5))
    for i in range(2):
        layer = params["stack"][f"layers_{i}"]
        x = x + reference.attention(x, x, layer["attention"], seen, nothing, heads=2, scale=(DIM // 2) ** -0.5)
        x = reference.layer_norm(x, layer["attention_norm"], epsilon=1e-12)
        inner = reference.gelu(reference.dense(x, layer["mlp"]["up"]))
        x = reference.layer_norm(x + reference.dense(inner, layer["mlp"]["down"]), layer["mlp_norm"], epsilon=1e-12)
    found = loops.run(BERT, params, IDS, MASK)
    loops.close(found, x, MASK)
    scanned = loops.run(BERT.clone(scan=True), to_scan(params), IDS, MASK)
    np.testing.assert_allclose(scanned.x, found.x, atol=1e-5)


def test_its_defaults_are_those_of_bert_base_and_strange_sizes_are_refused():
    base = Bert()
    assert (base.dim, base.vocab, base.layers, base.heads, base.length) == (768, 30522, 12, 12, 512)
    with pytest.raises(ValueError, match="length is 0; expected at least 1"):
        Bert(length=0)
