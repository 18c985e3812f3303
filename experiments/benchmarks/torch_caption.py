"""PyTorch's side of captioning by BEiT-3: an eager loop with beams, which reads words anew or keeps what it read."""

import torch
from torch import nn
from torch.nn import functional as F

from experiments.benchmarks import sizes
from experiments.benchmarks.torch_peers import count, pixels

BEGIN, MASK = 2, 1


def caption():
    """Captions by beams; pictures are read once, and all words so far at each step."""
    return written(kept=False)


def caption_kept():
    """The same with keys and values of the words kept, so that a step reads two tokens."""
    return written(kept=True)


def written(kept: bool):
    size = sizes.WRITTEN
    model, batches = Writer().eval(), sizes.shown(size["batch"])
    search = keeping if kept else anew

    @torch.inference_mode()
    def run():
        tokens = search(model, pixels(next(batches)["image"]), size["beams"])
        assert tokens.shape == (size["batch"], sizes.DECODED), tokens.shape

    return run, lambda: {"parameters": count(model), "version": torch.__version__}


def anew(model: "Writer", image: torch.Tensor, width: int) -> torch.Tensor:
    """The most probable captions [B, T] of pictures [B, C, H, W]: at each step all words and MASK are read."""
    seen = [beside(each, width) for each in model.look(image)]
    words = torch.full((len(image) * width, 1), BEGIN)
    log_p = start(len(image), width)
    for _ in range(sizes.DECODED):
        asking = torch.cat([words, torch.full_like(words[:, :1], MASK)], 1)
        logits, _ = model.read(asking, 0, seen)
        log_p, parent, token = best(log_p, logits)
        words = torch.cat([words[parent], token[:, None]], 1)
    return words.unflatten(0, (-1, width))[:, 0, 1:]


def keeping(model: "Writer", image: torch.Tensor, width: int) -> torch.Tensor:
    """As `anew`, but a step reads the last word and MASK, of which nothing is kept."""
    seen = [beside(each, width) for each in model.look(image)]
    words = torch.full((len(image) * width, 1), BEGIN)
    log_p, kept = start(len(image), width), None
    for t in range(sizes.DECODED):
        asking = torch.stack([words[:, -1], torch.full_like(words[:, -1], MASK)], 1)
        logits, own = model.read(asking, t, seen, kept)
        log_p, parent, token = best(log_p, logits)
        words = torch.cat([words[parent], token[:, None]], 1)
        kept = [tuple(x[parent, :, :-1] for x in each) for each in own]
    return words.unflatten(0, (-1, width))[:, 0, 1:]


def start(batch: int, width: int) -> torch.Tensor:
    """One beam a row that holds nothing yet."""
    return torch.tensor([0.0] + [float("-inf")] * (width - 1)).repeat(batch, 1)


def best(log_p: torch.Tensor, logits: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """log p [B, W] of the beams that go on, and of each its row before and its token [B * W]."""
    batch, width = log_p.shape
    every = log_p[..., None] + F.log_softmax(logits, -1).unflatten(0, (batch, width))
    every[..., 0] = float("-inf")
    log_p, place = every.flatten(1).topk(width)
    parent = place // logits.shape[-1] + width * torch.arange(batch)[:, None]
    return log_p, parent.flatten(), (place % logits.shape[-1]).flatten()


def beside(seen: tuple[torch.Tensor, torch.Tensor], width: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Keys and values [B, H, S, K] for each of W beams."""
    return tuple(x.repeat_interleave(width, 0) for x in seen)


class Layer(nn.Module):
    """What a layer has for a modality: norms, maps of attention and a feed-forward, with sub-LN."""

    def __init__(self, dim: int, hidden: int, heads: int):
        super().__init__()
        self.heads = heads
        self.norm, self.out_norm, self.mlp_norm = (norm(dim) for _ in range(3))
        self.query, self.key, self.value, self.out = (nn.Linear(dim, dim) for _ in range(4))
        self.up, self.down_norm, self.down = nn.Linear(dim, hidden), norm(hidden), nn.Linear(hidden, dim)

    def forward(self, x, before, mask):
        """x [B, L, D] after what was seen `before`, and its own keys and values."""
        inner = self.norm(x)
        query, *own = (map_(inner).unflatten(-1, (self.heads, -1)).transpose(1, 2) for map_ in self.maps())
        key, value = (torch.cat([*parts, new], 2) for *parts, new in zip(*before, own, strict=True))
        read = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        x = x + self.out(self.out_norm(read.transpose(1, 2).flatten(2)))
        return x + self.down(self.down_norm(F.gelu(self.up(self.mlp_norm(x))))), tuple(own)

    def maps(self):
        return self.query, self.key, self.value


class Writer(nn.Module):
    """A small BEiT-3 in the released form."""

    def __init__(self):
        super().__init__()
        size = sizes.BEIT3
        dim, patches = size["dim"], (size["size"] // size["patch"]) ** 2
        self.patch = nn.Conv2d(3, dim, size["patch"], size["patch"])
        self.first = nn.Parameter(0.02 * torch.randn(2, dim))
        self.places = nn.Parameter(0.02 * torch.randn(patches, dim))
        self.words, self.at = nn.Embedding(size["vocab"], dim), nn.Embedding(64, dim)
        inner = dim, size["hidden"], size["heads"]
        self.image, self.text = (nn.ModuleList([Layer(*inner) for _ in range(size["layers"])]) for _ in range(2))
        self.image_norm, self.text_norm = norm(dim), norm(dim)  # the first is of no use here
        self.head = nn.Linear(dim, size["vocab"])

    def look(self, image):
        """Keys and values of the pictures, layer by layer."""
        x = self.patch(image).flatten(2).transpose(1, 2) + self.places
        x = torch.cat([self.first.sum(0).expand(len(x), 1, -1), x], 1)
        seen = []
        for layer in self.image:
            x, own = layer(x, (), None)
            seen.append(own)
        return seen

    def read(self, words, index, seen, kept=None):
        """Logits [B, V] of the last of the words that come at `index`, and their keys and values with those kept."""
        length = words.shape[1]
        x = self.words(words) + self.at(torch.arange(index, index + length))
        before = seen[0][0].shape[2] + index
        mask = torch.ones(length, before + length, dtype=torch.bool).tril(before)
        found = []
        for number, (layer, picture) in enumerate(zip(self.text, seen, strict=True)):
            x, own = layer(x, (picture,) if not kept else (picture, kept[number]), mask)
            if kept:
                own = tuple(torch.cat(pair, 2) for pair in zip(kept[number], own, strict=True))
            found.append(own)
        return self.head(self.text_norm(x[:, -1])), found


def norm(dim: int) -> nn.Module:
    return nn.LayerNorm(dim, eps=1e-5)
