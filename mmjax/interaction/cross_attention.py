"""Every modality reads every other one through a stack of cross-attention (MulT: Tsai et al. 2019, arXiv 1906.00295).

z_ab = norm(stack of layers with queries from a and keys, values from the features x_b as they came, at every layer)
y_a = W_a [z_ab for b other than a] + c_a

Positions are what the encoders gave the tokens; the paper's self-attention afterwards is a trunk (nn.transformer).
"""

import jax.numpy as jnp
from flax import linen as nn

from mmjax.core.tokens import Modalities, Tokens
from mmjax.nn import masks
from mmjax.nn.aligned import in_order
from mmjax.nn.checks import check_sizes
from mmjax.nn.cross_block import CrossBlock, sized
from mmjax.nn.dense import Dense
from mmjax.nn.layer_norm import LayerNorm
from mmjax.nn.stack import Stack


class CrossAttention(nn.Module):
    """Modalities [B, L_m, D] to the same; `hidden` None is 4 D. A single modality stays as it is."""

    order: tuple[str, ...]
    layers: int = 2
    heads: int = 4
    hidden: int | None = None
    dropout: float = 0.0

    def __post_init__(self):
        super().__post_init__()
        check_sizes(self)

    @nn.compact
    def __call__(self, modalities: Modalities, *, train: bool) -> dict[str, Tokens]:
        cleared = [one.cleared() for one in in_order(modalities, self.order)]
        tokens = dict(zip(self.order, cleared, strict=True))
        return {name: self._informed(name, tokens, train) for name in self.order}

    def _informed(self, name: str, tokens: dict[str, Tokens], train: bool) -> Tokens:
        target = tokens[name]
        dim, found = target.x.shape[-1], []
        for other in (other for other in self.order if other != name):
            source, pair = tokens[other], f"{name}_from_{other}"
            stack = Stack(sized(CrossBlock, self, dim), self.layers, name=pair)
            x, _ = stack(target.x, None, source.x, masks.keys(source.mask), train=train)
            found.append(LayerNorm(name=f"{pair}_norm")(x))
        if not found:
            return target
        return target.replace(x=Dense(dim, name=f"{name}_out")(jnp.concatenate(found, axis=-1)))
