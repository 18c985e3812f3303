"""Parts one after the other: y = f_n(... f_1(x)), such as what pools the first token and what maps it (BEiT-3)."""

from flax import linen as nn

from mmjax.core.tokens import Tokens


class Chain(nn.Module):
    """Tokens to Tokens by each of `parts` in turn, where there is a place for one."""

    parts: tuple[nn.Module, ...]

    def __post_init__(self):
        super().__post_init__()
        if not self.parts:
            raise ValueError("parts is empty; expected one or more, each of Tokens to Tokens")

    def __call__(self, tokens: Tokens, *, train: bool) -> Tokens:
        for part in self.parts:
            tokens = part(tokens, train=train)
        return tokens
