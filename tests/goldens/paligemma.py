"""Makes paligemma.npz: a tiny random PaliGemma of Hugging Face transformers and what it says.

    python tests/goldens/paligemma.py     (torch 2.14, transformers 5.24)

Each example is run alone, so that nothing there depends on how padding is masked.
"""

from pathlib import Path

import numpy as np
import torch
from transformers import GemmaConfig, PaliGemmaConfig, PaliGemmaForConditionalGeneration, SiglipVisionConfig
from vit import pictures, pixels, shaken

VOCAB, IMAGE, BOS, SEPARATOR = 40, 39, 2, 7
TEXT, TARGETS = (5, 3), 6  # the second text is shorter


def sequence(text, target, patches):
    return [IMAGE] * patches + [BOS, *text, SEPARATOR, *target]


if __name__ == "__main__":
    vision = dict(hidden_size=12, intermediate_size=20, num_hidden_layers=2, num_attention_heads=3)
    words = dict(hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=4, head_dim=6)
    config = PaliGemmaConfig(
        vision_config=SiglipVisionConfig(**vision, image_size=8, patch_size=2, vision_use_head=False).to_dict(),
        text_config=GemmaConfig(**words, num_key_value_heads=1, vocab_size=VOCAB).to_dict(),
        image_token_index=IMAGE,
        projection_dim=16,
        vocab_size=VOCAB,
    )
    model = shaken(PaliGemmaForConditionalGeneration(config))
    images = pictures(1)
    rng = np.random.default_rng(2)
    text = rng.integers(8, 38, (2, max(TEXT)))
    target = rng.integers(8, 38, (2, TARGETS))
    logits = []
    for n, length in enumerate(TEXT):
        ids = torch.tensor([sequence(text[n, :length], target[n, :-1], 16)])
        suffix = torch.zeros_like(ids)
        suffix[:, -(TARGETS - 1) :] = 1
        with torch.no_grad():
            everything = torch.ones_like(ids)
            given = dict(input_ids=ids, token_type_ids=suffix, attention_mask=everything)
            out = model(**given, pixel_values=pixels(images[n : n + 1]))
        logits.append(out.logits[0, -TARGETS:].numpy())
    weights = {key: value.numpy() for key, value in model.state_dict().items()}
    # The names of the files on the hub, which this release changes in memory.
    renamed = {}
    for key, value in weights.items():
        key = key.removeprefix("model.").replace("language_model.", "language_model.model.")
        if key.startswith("vision_tower.") and "vision_model" not in key:
            key = key.replace("vision_tower.", "vision_tower.vision_model.")
        if key != "lm_head.weight":  # tied: it is not in the files
            renamed[f"weights/{key}"] = value
    mask = np.arange(max(TEXT)) < np.array(TEXT)[:, None]
    arrays = dict(image=images, text=text, text_mask=mask, target=target, logits=np.stack(logits))
    np.savez_compressed(Path(__file__).with_name("paligemma.npz"), **arrays, **renamed)
