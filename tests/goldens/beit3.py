"""Makes beit3.npz: a tiny random BEiT-3 encoder of torchscale, and what it makes of pictures, texts and both.

python tests/goldens/beit3.py     (torch 2.13, torchscale 0.2.0, timm 1.0, fairscale 0.4.0)

Of both it is told too which token may see which: a text is written word by word, and pictures do not look at it.
"""

import numpy as np
import torch
from torchscale.architecture.config import EncoderConfig
from torchscale.model.BEiT3 import BEiT3
from vit import HEIGHT, PATCH, keep, pictures, pixels, shaken

VOCAB, LENGTH, REAL = 40, 6, (6, 4)

if __name__ == "__main__":
    sizes = dict(encoder_embed_dim=12, encoder_attention_heads=3, encoder_ffn_embed_dim=20, encoder_layers=2)
    shapes = dict(img_size=HEIGHT, patch_size=PATCH, vocab_size=VOCAB, max_source_positions=10)
    model = shaken(BEiT3(EncoderConfig(**sizes, **shapes, multiway=True, no_output_layer=True)))
    rng = np.random.default_rng(1)
    images, text = pictures(0), rng.integers(4, VOCAB, (2, LENGTH))
    padding = np.arange(LENGTH) >= np.array(REAL)[:, None]
    hidden = rng.random((2, (HEIGHT // PATCH) ** 2)) < 0.4
    tokens = 1 + hidden.shape[1]
    unseen = np.zeros((tokens + LENGTH, tokens + LENGTH), bool)
    unseen[:, tokens:] = np.triu(np.ones((LENGTH, LENGTH), bool), 1)[np.maximum(np.arange(-tokens, LENGTH), 0)]
    unseen[:tokens, tokens:] = True
    picture = dict(visual_tokens=pixels(images))
    words = dict(textual_tokens=torch.tensor(text), text_padding_position=torch.tensor(padding))
    cases = {
        "image": picture | dict(textual_tokens=None, vision_masked_position=torch.tensor(hidden)),
        "text": words | dict(visual_tokens=None),
        "pair": picture | words,
        "written": picture | words | dict(attn_mask=torch.tensor(unseen).float()),
    }
    with torch.no_grad():
        found = {f"{name}_out": model(**given)["encoder_out"].numpy() for name, given in cases.items()}
    arrays = dict(image=images, image_hidden=hidden, text=text, text_mask=~padding, seen=~unseen)
    keep("beit3", model.state_dict(), **arrays, **found)
