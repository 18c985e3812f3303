"""Every modality reads each other one in step with itself, however late that is.

y_m(t) = x_m(t) + sum over b other than m of W_mb sum_l a_l x_b(t + l)

a is attention over lags (`nn.lag_attention`), of its own for each pair. All must have as many steps a second; they may
begin up to `most` steps early or late, and be of other lengths. After it what mixes modalities position by position
finds in each what the others hold at the same time.
"""

from flax import linen as nn

from mmjax.core.tokens import Modalities, Tokens, in_order
from mmjax.nn.checks import check_sizes
from mmjax.nn.dense import Dense
from mmjax.nn.lag_attention import LagAttention, shifted


class Aligned(nn.Module):
    """Modalities [B, L_m, D] to the same; `dim` None, of what is compared, is D. A single modality stays as it is."""

    order: tuple[str, ...]
    most: int = 8
    dim: int | None = None

    def __post_init__(self):
        super().__post_init__()
        check_sizes(self, "most")

    @nn.compact
    def __call__(self, modalities: Modalities, *, train: bool) -> dict[str, Tokens]:
        tokens = {n: one.cleared() for n, one in zip(self.order, in_order(modalities, self.order), strict=True)}
        return {name: self._informed(name, tokens) for name in self.order}

    def _informed(self, name: str, tokens: dict[str, Tokens]) -> Tokens:
        x = tokens[name].x
        for other in (other for other in self.order if other != name):
            pair = f"{name}_from_{other}"
            weights = LagAttention(self.most, self.dim, name=pair)(tokens[name], tokens[other])
            moved, _ = shifted(tokens[other], weights, x.shape[1])
            x = x + Dense(x.shape[-1], use_bias=False, name=f"{pair}_out")(moved.astype(x.dtype))
        return tokens[name].replace(x=x)
