"""Makes t5.npz, t5_tied.npz and mt5.npz: tiny random T5s of Hugging Face transformers and what they say.

python tests/goldens/t5.py     (torch 2.14, transformers 5.24)
"""

from pathlib import Path

import numpy as np
import torch
from transformers import MT5Config, MT5ForConditionalGeneration, T5Config, T5ForConditionalGeneration

SIZES = dict(vocab_size=40, d_model=16, d_kv=6, d_ff=24, num_layers=2, num_decoder_layers=2, num_heads=3)
# Long enough that distances of all kinds of buckets are there.
LENGTH, TARGETS = 150, 40


def make(name, config, model):
    torch.manual_seed(0)
    model = model(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            # Norms away from one and matrices large enough that nothing vanishes.
            spread = 0.5 if parameter.ndim == 1 else 1.5 * parameter.shape[-1] ** -0.5
            parameter.copy_(float(parameter.ndim == 1) + spread * torch.randn_like(parameter))
        text = torch.randint(2, 40, (2, LENGTH))
        mask = torch.arange(LENGTH)[None] < torch.tensor([[LENGTH], [LENGTH - 60]])
        target = torch.randint(2, 40, (2, TARGETS))
        out = model(input_ids=text, attention_mask=mask.long(), labels=target)
    arrays = {f"weights/{key}": value.numpy() for key, value in model.state_dict().items()}
    arrays |= {"text": text.numpy(), "text_mask": mask.numpy(), "target": target.numpy()}
    arrays |= {"memory": out.encoder_last_hidden_state.numpy(), "logits": out.logits.numpy()}
    np.savez_compressed(Path(__file__).with_name(f"{name}.npz"), **arrays)


if __name__ == "__main__":
    gated = dict(feed_forward_proj="gated-gelu", dropout_rate=0.0, decoder_start_token_id=0)
    make("t5", T5Config(**SIZES, **gated, tie_word_embeddings=False), T5ForConditionalGeneration)
    make("t5_tied", T5Config(**SIZES, **gated, tie_word_embeddings=True), T5ForConditionalGeneration)
    make("mt5", MT5Config(**SIZES, **gated, tie_word_embeddings=False), MT5ForConditionalGeneration)
