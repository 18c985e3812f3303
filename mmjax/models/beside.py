"""A composed model with what each modality alone says beside what they say together."""

import dataclasses
from collections.abc import Mapping

import jax
from flax import linen as nn

from mmjax.models.compose import FORMS, Compose, check_form

FUSED = "fused"


class Beside(Compose, kw_only=True):
    """As `models.compose`, to {"fused": [B, C], NAME: [B, C] of each modality by itself}.

    Args:
        alone: of each modality, its own Tokens, before any interaction, to predictions.
        listened: whether encoders learn from these too; else their heads only watch.
    """

    alone: Mapping[str, nn.Module] = dataclasses.field(default_factory=dict)
    listened: bool = True

    def __post_init__(self):
        super().__post_init__()
        if set(self.alone) != set(self.encoders):
            raise ValueError(
                f"alone has {', '.join(sorted(self.alone)) or 'nothing'}; expected a head for each of "
                f"{', '.join(sorted(self.encoders))}"
            )
        for part in self.alone.values():
            check_form("alone", part, *FORMS["heads"])
        if self.asked or self.several or FUSED in self.encoders:
            raise ValueError(
                f"asked is {self.asked} and several {self.several}; expected (), and no modality called {FUSED!r}"
            )

    def __call__(self, batch: Mapping[str, jax.Array], *, train: bool) -> dict[str, jax.Array]:
        modalities = self.encoded(batch, train=train)
        seen = modalities if self.listened else jax.lax.stop_gradient(modalities)
        found = {name: self.alone[name](tokens, train=train) for name, tokens in seen.items()}
        return {FUSED: self._predicted(modalities, train), **found}
