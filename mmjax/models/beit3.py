"""BEiT-3: pictures, texts and both through one transformer that fills in what is hidden (arXiv 2208.10442).

x_m = encoder_m(what is seen of m),   y = multiway(x),   logits of the code of a patch, of a word = W_m y_m + b_m

What is to be filled in are words as they were, and codes of patches, which a tokenizer tells (`models.coder`).
"""

import math
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
    hidden is another one in `text`. With image_places or text_places [B, n], where something is hidden (-1: no more),
    logits are [B, n, ...], those of these places alone. See `data.hide`.

    Args:
        encoders: "image", such as `encoders.patches`, whose first token is of no patch, and "text".
        interactions: such as `interaction.multiway`; with encoders and names as in `models.compose`, which is how
            other models start from this one.
        codes: how many a patch may have.
        vocab: how many words there are.
        coder: pictures to the codes of their patches, such as `models.coder`; what it knows comes by
            `train.init_from`, and it is not trained: freeze it by optim.groups.
    """

    encoders: Mapping[str, nn.Module]
    interactions: tuple[nn.Module, ...]
    codes: int
    vocab: int
    coder: nn.Module | None = None

    def __post_init__(self):
        super().__post_init__()
        if set(self.encoders) != {"image", "text"}:
            raise ValueError(f"encoders has {', '.join(sorted(self.encoders))}; expected image and text")
        if self.coder is not None and self.coder.codes != self.codes:
            raise ValueError(f"coder.codes is {self.coder.codes} and codes {self.codes}; make them equal")
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
            if f"{name}_places" in batch:
                x = jnp.take_along_axis(x, jnp.maximum(batch[f"{name}_places"], 0)[..., None], axis=1)
            found[name] = self.heads[name](x).astype(jnp.float32)
        return found

    def hidden(self, batch: Mapping[str, jax.Array]) -> dict[str, jax.Array]:
        """What is to be filled in at the places of a batch, codes and words {NAME: [B, n] int32}.

        Raises:
            ValueError: patches are hidden, but there is no coder, or one of another grid.
        """
        found = {}
        if "text_told" in batch:
            found["text"] = batch["text_told"]
        if "image_places" in batch:
            if self.coder is None:
                raise ValueError("patches are hidden, but model.coder is None; expected models.coder, which tells them")
            codes = self.coder(batch["image"], batch["image_mask"])
            grid = batch["image_hidden"].shape[1:]
            if codes.shape[1] != math.prod(grid):
                raise ValueError(
                    f"the coder tells codes of {codes.shape[1]} patches, but of {' x '.join(map(str, grid))} some are "
                    "hidden; set coder.size to pictures that have as many"
                )
            found["image"] = jnp.take_along_axis(codes, jnp.maximum(batch["image_places"], 0), axis=1)
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
