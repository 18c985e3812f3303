"""The first token in place of all: a class token, or that which begins a text."""

from flax import linen as nn

from mmjax.core.tokens import Tokens


class FirstToken(nn.Module):
    """Tokens [B, L, D] to Tokens [B, 1, D]."""

    def __call__(self, tokens: Tokens, *, train: bool) -> Tokens:
        return Tokens.of(tokens.x[:, :1], tokens.mask[:, :1])
