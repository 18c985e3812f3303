"""PyTorch's side of the multimodal benchmarks: MultiBench's late fusion and a MulT, with mmjax's sizes and norms."""

import math

import torch
from torch import nn
from torch.nn import functional as F

from experiments.benchmarks import sizes
from experiments.benchmarks.torch_peers import trained


def late():
    """A training step of late fusion: an encoder for each modality, their features side by side, an MLP."""
    size = sizes.LATE
    encoders = [Encoder(width, size, size["layers"]) for width in sizes.SERIES.values()]
    count = len(encoders)
    fused = nn.Sequential(nn.Linear(count * size["dim"], size["dim"]), Head(size["dim"], size["head"]))
    model = nn.ModuleList([*encoders, fused])

    def forward(values):
        return fused(torch.cat([encoder(x).mean(1) for encoder, x in zip(encoders, values, strict=True)], dim=-1))

    return told(model, forward, size["batch"])


def mult():
    """A training step of MulT: cross-attention between all pairs, then self-attention over what each found."""
    model = Mult(sizes.MULT)
    return told(model, model, sizes.MULT["batch"])


def beit3():
    """A training step of torchscale's BEiT-3, which judges a text about a picture."""
    from torchscale.architecture.config import EncoderConfig
    from torchscale.model.BEiT3 import BEiT3

    size = sizes.BEIT3
    names = dict(dim="embed_dim", layers="layers", heads="attention_heads", hidden="ffn_embed_dim")
    inner = {f"encoder_{name}": size[key] for key, name in names.items()}
    shapes = dict(img_size=size["size"], patch_size=size["patch"], vocab_size=size["vocab"], max_source_positions=64)
    model = BEiT3(EncoderConfig(**inner, **shapes, multiway=True, no_output_layer=True))
    head = nn.Linear(size["dim"], size["classes"])
    batches = sizes.pairs()

    def loss():
        values, label = next(batches)
        pixels = torch.from_numpy(values["image"]).permute(0, 3, 1, 2).float() / 127.5 - 1
        found = model(
            textual_tokens=torch.from_numpy(values["text"]).long(),
            visual_tokens=pixels,
            text_padding_position=torch.from_numpy(~values["text_mask"]),
        )["encoder_out"]
        first = (found[:, 0] + found[:, -size["length"]]) / 2
        return F.cross_entropy(head(first), torch.from_numpy(label).long())

    return trained(nn.ModuleList([model, head]), loss)


def told(model: nn.Module, forward, batch: int):
    """Numbers from series by their absolute error."""
    batches = sizes.series(batch)

    def loss():
        values, target = next(batches)
        return F.l1_loss(forward([torch.from_numpy(x) for x in values.values()]), torch.from_numpy(target))

    return trained(model, loss)


class Encoder(nn.Module):
    """A linear map of each step, positions, and PyTorch's own transformer layers."""

    def __init__(self, width: int, size: dict, layers: int):
        super().__init__()
        self.stem = nn.Sequential(nn.Linear(width, size["dim"]), norm(size), nn.GELU(approximate="tanh"))
        self.register_buffer("waves", waves(size["dim"]), persistent=False)
        self.trunk = transformer(size, layers)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.trunk(self.stem(x) + self.waves)


class Head(nn.Module):
    """Two linear maps to a number for each example."""

    def __init__(self, dim: int, hidden: int):
        super().__init__()
        self.hidden, self.number = nn.Linear(dim, hidden), nn.Linear(hidden, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.number(F.gelu(self.hidden(x), approximate="tanh"))[:, 0]


class CrossLayer(nn.Module):
    """Queries from one modality, keys and values from another, then feed-forward; norms come first."""

    def __init__(self, size: dict):
        super().__init__()
        dim, hidden = size["dim"], size["hidden"]
        self.norms = nn.ModuleList([norm(size) for _ in range(3)])
        self.attention = nn.MultiheadAttention(dim, size["heads"], bias=False, batch_first=True)
        self.mlp = nn.Sequential(nn.Linear(dim, hidden), nn.GELU(approximate="tanh"), nn.Linear(hidden, dim))

    def forward(self, x: torch.Tensor, source: torch.Tensor) -> torch.Tensor:
        memory = self.norms[0](source)
        x = x + self.attention(self.norms[1](x), memory, memory, need_weights=False)[0]
        return x + self.mlp(self.norms[2](x))


class Mult(nn.Module):
    """Tsai et al. 2019 for three modalities, whose mean over steps is read in place of the last one."""

    def __init__(self, size: dict):
        super().__init__()
        dim, count = size["dim"], len(sizes.SERIES)
        self.encoders = nn.ModuleList([Encoder(width, size, 1) for width in sizes.SERIES.values()])
        self.pairs = [(a, b) for a in range(count) for b in range(count) if a != b]
        self.stacks = nn.ModuleList(
            [nn.ModuleList([CrossLayer(size) for _ in range(size["layers"])]) for _ in self.pairs]
        )
        self.norms = nn.ModuleList([norm(size) for _ in self.pairs])
        wide = size | {"dim": (count - 1) * dim, "hidden": 4 * (count - 1) * dim}
        self.selves = nn.ModuleList([transformer(wide, size["self_layers"]) for _ in range(count)])
        self.out = nn.ModuleList([nn.Linear((count - 1) * dim, dim) for _ in range(count)])
        self.fused = nn.Linear(count * dim, dim)
        self.head = Head(dim, dim)

    def forward(self, values: list[torch.Tensor]) -> torch.Tensor:
        given = [encoder(x) for encoder, x in zip(self.encoders, values, strict=True)]
        found = [[] for _ in given]
        for (target, source), stack, last in zip(self.pairs, self.stacks, self.norms, strict=True):
            x = given[target]
            for layer in stack:
                x = layer(x, given[source])
            found[target].append(last(x))
        parts = zip(self.out, self.selves, found, strict=True)
        informed = [out(own(torch.cat(each, dim=-1))) for out, own, each in parts]
        return self.head(self.fused(torch.cat(informed, dim=-1)).mean(1))


def transformer(size: dict, layers: int) -> nn.Module:
    layer = nn.TransformerEncoderLayer(
        size["dim"],
        size["heads"],
        size["hidden"],
        dropout=0.0,
        activation=lambda x: F.gelu(x, approximate="tanh"),
        layer_norm_eps=1e-6,
        batch_first=True,
        norm_first=True,
    )
    return nn.TransformerEncoder(layer, layers, norm=norm(size), enable_nested_tensor=False)


def norm(size: dict) -> nn.Module:
    return nn.LayerNorm(size["dim"], eps=1e-6)


def waves(dim: int) -> torch.Tensor:
    """[STEPS, dim] sines and cosines."""
    half = dim // 2
    phase = torch.arange(sizes.STEPS)[:, None] * torch.exp(-math.log(10_000) * torch.arange(half) / half)
    return torch.cat([phase.sin(), phase.cos()], dim=-1)
