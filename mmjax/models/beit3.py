"""BEiT-3: pictures, texts and both through one transformer that fills in what is hidden (arXiv 2208.10442).

x_m = encoder_m(what is seen of m),   y = multiway(x),   logits of the code of a patch, of a word = W_m y_m + b_m
"""

from collections.abc import Mapping

import jax
import jax.numpy as jnp
from flax import linen as nn

from mmjax.core.partition import constrain_batch
from mmjax.core.tokens import Tokens
from mmjax.models.compose import FORMS, check_form
from mmjax.nn.dense import Dense


class Beit3(nn.Module):
    """A batch of image, text or both to logits {"image": [B, h w, N], "text": [B, L, V]} in fp32 of those it has.

    image [B, H, W, C] with image_mask [B] and image_hidden [B, h, w], text [B, L] with text_mask [B, L]; a word that is
    hidden is another one in `text`.

    Args:
        encoders: "image", such as `encoders.patches`, whose first token is of no patch, and "text".
        interactions: such as `interaction.multiway`; with encoders and names as in `models.compose`, which is how
            other models start from this one.
        codes: how many a patch may have.
        vocab: how many words there are.
    """

    encoders: Mapping[str, nn.Module]
    interactions: tuple[nn.Module, ...]
    codes: int
    vocab: int

    def __post_init__(self):
        super().__post_init__()
        if set(self.encoders) != {"image", "text"}:
            raise ValueError(f"encoders has {', '.join(sorted(self.encoders))}; expected image and text")
        for field in ("encoders", "interactions"):
            parts = getattr(self, field)
            for part in parts.values() if isinstance(parts, Mapping) else parts:
                check_form(field, part, *FORMS[field])

    def setup(self):
        self.heads = {"image": Dense(self.codes), "text": Dense(self.vocab)}

    def __call__(self, batch: Mapping[str, jax.Array], *, train: bool) -> dict[str, jax.Array]:
        found = {}
        for name, tokens in self.encode(batch, train=train).items():
            x = tokens.x[:, 1:] if name == "image" else tokens.x
            found[name] = self.heads[name](x).astype(jnp.float32)
        return found

    def encode(
        self, batch: Mapping[str, jax.Array], *, train: bool, mask: jax.Array | None = None
    ) -> dict[str, Tokens]:
        """Tokens of what the batch has; `mask` says which of them may see which, see `interaction.multiway`."""
        modalities = {}
        for name in (name for name in self.encoders if name in batch):
            hidden = {"hidden": batch["image_hidden"]} if name == "image" and "image_hidden" in batch else {}
            tokens = self.encoders[name](batch[name], batch[f"{name}_mask"], train=train, **hidden)
            modalities[name] = tokens.replace(x=constrain_batch(tokens.x))
        if not modalities:
            raise ValueError(f"the batch has {', '.join(sorted(batch))}; expected image, text or both")
        for interaction in self.interactions:
            modalities = interaction(modalities, train=train, **({} if mask is None else {"mask": mask}))
        return modalities
