"""Makes vit_timm.npz and vit_siglip.npz: tiny random vision transformers of timm and transformers, and their tokens.

python tests/goldens/vit.py     (torch 2.14, timm 1.0, transformers 5.24)
"""

from pathlib import Path

import numpy as np
import torch
from timm.models.vision_transformer import VisionTransformer
from transformers import SiglipVisionConfig, SiglipVisionModel

HEIGHT, WIDTH, PATCH = 8, 8, 2


def pictures(seed):
    return np.random.default_rng(seed).integers(0, 256, (2, HEIGHT, WIDTH, 3), dtype=np.uint8)


def pixels(images):
    return torch.tensor(images.transpose(0, 3, 1, 2) / 127.5 - 1, dtype=torch.float32)


def shaken(model):
    """The model with parameters large enough that nothing vanishes, norms away from one."""
    torch.manual_seed(0)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            scale = "norm" in name and name.endswith("weight")
            spread = 0.3 if parameter.ndim < 2 else 1.2 * parameter[0].numel() ** -0.5
            parameter.copy_(float(scale) + spread * torch.randn_like(parameter))
    return model.eval()


def keep(name, weights, **arrays):
    arrays |= {f"weights/{key}": value.numpy() for key, value in weights.items()}
    np.savez_compressed(Path(__file__).with_name(f"{name}.npz"), **arrays)


if __name__ == "__main__":
    images = pictures(0)
    sizes = dict(img_size=(HEIGHT, WIDTH), patch_size=PATCH, embed_dim=12, depth=2, num_heads=3, mlp_ratio=2)
    timm = shaken(VisionTransformer(**sizes, class_token=False, global_pool="", num_classes=0))
    with torch.no_grad():
        keep("vit_timm", timm.state_dict(), image=images, tokens=timm.forward_features(pixels(images)).numpy())

    sizes = dict(hidden_size=12, intermediate_size=20, num_hidden_layers=2, num_attention_heads=3)
    siglip = shaken(SiglipVisionModel(SiglipVisionConfig(**sizes, image_size=HEIGHT, patch_size=PATCH)))
    weights = siglip.state_dict()
    # Files on the hub say vision_model; this release of transformers leaves it out in memory.
    if not any(key.startswith("vision_model.") for key in weights):
        weights = {f"vision_model.{key}": value for key, value in weights.items()}
    with torch.no_grad():
        keep("vit_siglip", weights, image=images, tokens=siglip(pixels(images)).last_hidden_state.numpy())
