"""All tokens one after the other: what a trunk or a decoder then attends to as one sequence.

y = [x_1; x_2; ...; x_M] along the positions
"""

from flax import linen as nn

from mmjax.core.tokens import Modalities, Tokens, join


class Concat(nn.Module):
    """Modalities [B, L_m, D] to Tokens [B, sum of L_m, D]; a token is real where it was."""

    order: tuple[str, ...]

    def __call__(self, modalities: Modalities, *, train: bool) -> Tokens:
        return join(modalities, self.order).cleared()
