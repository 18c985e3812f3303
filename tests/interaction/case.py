"""What the contract cannot tell of an interaction by its file alone."""

from typing import Any

import jax
from flax import linen as nn

from mmjax.core.tokens import Tokens
from tests.fusion.case import D

IDS = ((3, 1, 4), (1, 5), (2,))


class Spelling(nn.Module):
    """Ids [B, L] with mask [B, L] to Tokens [B, L, D], a vector for each id: it compiles in a moment."""

    vocab: int = 6

    @nn.compact
    def __call__(self, values: jax.Array, mask: jax.Array, *, train: bool) -> Tokens:
        return Tokens.of(
            nn.Embed(self.vocab, D, embedding_init=nn.initializers.normal(1.0), name="embed")(values), mask
        )


# Fields without a default, by the interaction's file, and those by which it compiles in half of the time.
FIELDS: dict[str, dict[str, Any]] = {
    "cross_attention": dict(layers=1),
    "text_memory": dict(encoder=Spelling(), texts=("a", "b", "c"), ids=IDS),
}
APART = {"text_memory"}  # each modality reads what is no modality, and none of the others
