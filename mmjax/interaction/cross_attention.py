"""Every modality reads every other one through a stack of cross-attention (MulT: Tsai et al. 2019, arXiv 1906.00295).

z_ab = norm(stack of layers with queries from a and keys, values from the features x_b as they came, at every layer)
y_a = W_a transformer_a([z_ab for b other than a]) + c_a

Positions are what the encoders gave the tokens. MulT's own head, the last step of each through a residual feed-forward
network, is left to `fusion` and `heads`.
"""

import jax.numpy as jnp
from flax import linen as nn

from mmjax.core.tokens import Modalities, Tokens, in_order
from mmjax.nn import masks
from mmjax.nn.checks import check_sizes
from mmjax.nn.cross_block import CrossBlock
from mmjax.nn.dense import Dense
from mmjax.nn.layer_norm import LayerNorm
from mmjax.nn.sized import sized
from mmjax.nn.stack import Stack
from mmjax.nn.transformer import Transformer


class CrossAttention(nn.Module):
    """Modalities [B, L_m, D] to the same; `hidden` None is 4 D. A single modality stays as it is.

    `self_layers` are those of the transformer over what a target found, of width (M - 1) D; with 0 there is none.
    """

    order: tuple[str, ...]
    layers: int = 2
    self_layers: int = 0
    heads: int = 4
    hidden: int | None = None
    dropout: float = 0.0

    def __post_init__(self):
        super().__post_init__()
        check_sizes(self)
        if self.self_layers < 0:
            raise ValueError(f"self_layers is {self.self_layers}; expected at least 0")

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
        informed = target.replace(x=jnp.concatenate(found, axis=-1))
        if self.self_layers:
            trunk = Transformer(self.self_layers, self.heads, self.hidden, self.dropout, name=f"{name}_self")
            informed = trunk(informed, train=train)
        return target.replace(x=Dense(dim, name=f"{name}_out")(informed.x))
