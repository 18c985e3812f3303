"""PyTorch's side: timm's ViT and Hugging Face's T5, eager, with the fused AdamW; only imported by the peers' Python."""

import os

import numpy as np
import timm
import torch
from torch import nn
from torch.nn import functional as F
from transformers import T5Config, T5ForConditionalGeneration

from experiments.benchmarks import sizes

torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
torch.set_flush_denormal(True)
torch.manual_seed(0)


def vit():
    """A training step of timm's ViT-S/16."""
    size = sizes.VIT
    model = transformer(size, classes=sizes.CLASSES)
    batches = sizes.pictures(size["size"], size["batch"])

    def loss():
        image, label = next(batches)
        return F.cross_entropy(model(pixels(image)), torch.from_numpy(label).long())

    return trained(model, loss)


def pali():
    """A training step of a PaLI made of timm's ViT and Hugging Face's T5."""
    model = Pali()
    batches = sizes.questions(sizes.PALI["batch"])

    def loss():
        batch = next(batches)
        joined, mask = model.join(batch)
        target = torch.from_numpy(batch["target"])[:, 0].long()
        labels = target.masked_fill(~torch.from_numpy(batch["target_mask"])[:, 0], -100)
        return model.t5(inputs_embeds=joined, attention_mask=mask, labels=labels).loss

    return trained(model, loss)


def decode1():
    return decode(1)


def decode8():
    return decode(8)


def decode(batch: int):
    """Greedy answers of `generate` with its cache, from pictures and questions."""
    model = Pali().eval()
    batches = sizes.questions(batch)
    options = dict(max_new_tokens=sizes.DECODED, do_sample=False, num_beams=1, use_cache=True, eos_token_id=None)

    @torch.inference_mode()
    def run():
        joined, mask = model.join(next(batches))
        tokens = model.t5.generate(inputs_embeds=joined, attention_mask=mask, **options)
        assert tokens.shape == (batch, 1 + sizes.DECODED), tokens.shape

    return run, lambda: {"parameters": count(model), "version": torch.__version__}


def product():
    """The machine's best matrix product, by PyTorch."""
    a, b = (torch.randn(sizes.SIDE, sizes.SIDE) for _ in range(2))
    return lambda: a @ b, lambda: {"products": 2 * sizes.SIDE**3}


class Pali(nn.Module):
    """Picture tokens before the embedded text, into T5."""

    def __init__(self):
        super().__init__()
        size = sizes.PALI
        self.vit = transformer(sizes.PALI_VIT, classes=0)
        self.project = nn.Linear(sizes.PALI_VIT["dim"], size["dim"])
        config = T5Config(
            vocab_size=size["vocab"],
            d_model=size["dim"],
            d_kv=size["head_dim"],
            d_ff=size["hidden"],
            num_layers=size["layers"],
            num_decoder_layers=size["layers"],
            num_heads=size["heads"],
            dropout_rate=0.0,
            feed_forward_proj="gated-gelu",
            tie_word_embeddings=False,
            decoder_start_token_id=0,
            eos_token_id=None,
        )
        # Transformers 5 takes every T5 for tied when it reads a config. In T5 1.1 the logits stand apart, and encoder
        # and decoder share their embeddings.
        config.tie_word_embeddings = False
        self.t5 = T5ForConditionalGeneration(config)
        self.t5.encoder.embed_tokens = self.t5.decoder.embed_tokens = self.t5.shared
        self.t5.lm_head.weight.data *= size["dim"] ** -0.5

    def join(self, batch):
        seen = self.project(self.vit.forward_features(pixels(batch["image"])))
        text = self.t5.get_input_embeddings()(torch.from_numpy(batch["text"])[:, 0])
        there = torch.from_numpy(np.repeat(batch["image_mask"][:, None], seen.shape[1], 1))
        mask = torch.cat([there, torch.from_numpy(batch["text_mask"])[:, 0]], 1)
        return torch.cat([seen, text], 1), mask.long()


def transformer(size: dict, classes: int) -> nn.Module:
    """A ViT without class token, pooled by the mean where it has classes; GELU in its tanh form, as mmjax takes it."""
    return timm.models.VisionTransformer(
        img_size=size["size"],
        patch_size=size["patch"],
        embed_dim=size["dim"],
        depth=size["layers"],
        num_heads=size["heads"],
        mlp_ratio=size["hidden"] / size["dim"],
        num_classes=classes,
        class_token=False,
        global_pool="avg" if classes else "",
        fc_norm=False,
        act_layer=lambda: nn.GELU(approximate="tanh"),
    )


def pixels(image: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(image).permute(0, 3, 1, 2).contiguous().float() / 127.5 - 1.0


def trained(model: nn.Module, loss):
    """A full step with its optimiser."""
    optim = torch.optim.AdamW(model.parameters(), lr=sizes.RATE, fused=True)
    last = []

    def run():
        optim.zero_grad(set_to_none=True)
        found = loss()
        found.backward()
        optim.step()
        last[:] = [found.item()]

    return run, lambda: {"parameters": count(model), "loss": last[0], "version": torch.__version__}


def count(model: nn.Module) -> int:
    # Tied names are one tensor, counted once.
    return sum(p.numel() for p in model.parameters())
