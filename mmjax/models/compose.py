"""Encoders, interactions, fusion, trunk and head in one model; how early modalities meet is where these stand.

early     encoders -> fusion -> trunk -> head
hybrid    encoders -> trunks -> interactions -> fusion -> trunk -> head
late      encoders -> trunks -> fusion -> head, or a head for each modality and a fusion of what they decide
"""

import inspect
import itertools
import typing
from collections.abc import Mapping
from functools import partial

import jax
import jax.numpy as jnp
from einops import rearrange, repeat
from flax import linen as nn

from mmjax.core.partition import constrain_batch
from mmjax.core.tokens import Modalities, Tokens

# What a part is called with first, what it gives, and where such parts are.
FORMS = {
    "encoders": (jax.Array, Tokens, "encoders"),
    "trunks": (Tokens, Tokens, "nn"),
    "interactions": (Mapping, Mapping, "interaction"),
    "fusion": (Mapping, Tokens, "fusion"),
    "trunk": (Tokens, Tokens, "nn"),
    "head": (Tokens, jax.Array, "heads"),
    "heads": (Tokens, jax.Array, "heads"),
}


class Compose(nn.Module):
    """A batch {NAME: values, NAME_mask: mask} of the modalities that `encoders` names to what the head gives.

    Every modality is in every batch; where it is missing its mask is False, so that no pattern compiles anew.

    Args:
        encoders: of each modality, (values, mask) to Tokens; all of one width.
        fusion: all modalities to Tokens; one that `decides` takes what `heads` give.
        head: Tokens to predictions.
        heads: of each modality, Tokens to [B, C]; what they give is fused in place of tokens, and no `head` follows.
        trunks: Tokens to Tokens, for some modalities by themselves.
        interactions: modalities to modalities, one after the other.
        trunk: Tokens to Tokens, after the fusion.
        asked: modalities that an example has Q of, [B, Q, ...], such as questions; so are predictions [B, Q, ...]. The
            others are encoded once, their own trunks included, and stand beside each of the Q.
        several: modalities that an example has Q of, [B, Q, ...], such as two pictures of which one statement speaks.
            Each meets the others by itself, and what the fusion makes of all Q, [B, L, D] each, stands side by side,
            [B, Q L, D], before the trunk. The others are encoded once.
    """

    encoders: Mapping[str, nn.Module]
    fusion: nn.Module
    head: nn.Module | None = None
    heads: Mapping[str, nn.Module] | None = None
    trunks: Mapping[str, nn.Module] | None = None
    interactions: tuple[nn.Module, ...] = ()
    trunk: nn.Module | None = None
    asked: tuple[str, ...] = ()
    several: tuple[str, ...] = ()

    def __post_init__(self):
        super().__post_init__()
        names = set(self.encoders)
        if not names:
            raise ValueError("encoders is empty; name at least one modality")
        for field, form in FORMS.items():
            given = getattr(self, field)
            parts = given.values() if isinstance(given, Mapping) else given if isinstance(given, tuple) else [given]
            for part in parts:
                check_form(field, part, *form)
        if (self.head is None) == (self.heads is None):
            raise ValueError("give either head, after the fusion, or heads, one for each modality before it")
        if self.heads is None and getattr(self.fusion, "decides", False):
            raise ValueError(
                f"{type(self.fusion).__name__} fuses what heads say of each modality; give heads, one for each, and "
                "head=None"
            )
        if self.heads is not None and (set(self.heads) != names or self.trunk is not None):
            raise ValueError(
                f"heads has {', '.join(sorted(self.heads))}; expected one for each of {', '.join(sorted(names))}, and "
                "no trunk: what is fused are their decisions"
            )
        if self.several and (self.asked or self.heads is not None):
            raise ValueError(
                f"several is {self.several}, of which one prediction is made; expected no asked and no heads beside it"
            )
        for field in ("trunks", "asked", "several"):
            strange = sorted(set(getattr(self, field) or ()) - names)
            if strange:
                raise ValueError(f"{field} has {strange[0]!r}; expected some of {', '.join(sorted(names))}")
        for part in (self.fusion, *self.interactions):
            order = getattr(part, "order", tuple(names))
            if len(order) != len(names) or set(order) != names:
                raise ValueError(
                    f"{type(part).__name__} has order {tuple(order)}; expected each of "
                    f"{', '.join(sorted(names))} once, as the encoders name them"
                )

    def __call__(self, batch: Mapping[str, jax.Array], *, train: bool) -> jax.Array:
        modalities = self.encoded(batch, train=train)
        if not self._many:
            return self._predicted(modalities, train)
        count = batch[self._many[0]].shape[1]
        beside = partial(repeat, pattern="b ... -> (b q) ...", q=count)
        modalities = {
            name: tokens if name in self._many else jax.tree.map(beside, tokens) for name, tokens in modalities.items()
        }
        if self.several:
            fused = self.fusion(self._met(modalities, train), train=train)
            side_by_side = partial(rearrange, pattern="(b q) l ... -> b (q l) ...", q=count)
            return self._headed(jax.tree.map(side_by_side, fused), train)
        return rearrange(self._predicted(modalities, train), "(b q) ... -> b q ...", q=count)

    @property
    def _many(self) -> tuple[str, ...]:
        """Modalities that an example has Q of."""
        return self.asked or self.several

    def encoded(self, batch: Mapping[str, jax.Array], *, train: bool) -> dict[str, Tokens]:
        """Each modality by itself, as it goes to the others; of those that an example has Q of, [B * Q, L, D]."""
        return {name: self._encoded(name, batch, train) for name in sorted(self.encoders)}

    def _met(self, modalities: Modalities, train: bool) -> Modalities:
        for interaction in self.interactions:
            modalities = interaction(modalities, train=train)
        return modalities

    def _predicted(self, modalities: Modalities, train: bool) -> jax.Array:
        modalities = self._met(modalities, train)
        if self.heads is not None:
            decided = {name: self._decided(name, tokens, train) for name, tokens in modalities.items()}
            fused = self.fusion(decided, train=train).x
            if fused.shape[1] != 1:
                raise ValueError(
                    f"{type(self.fusion).__name__} makes {fused.shape[1]} tokens of the decisions of heads; expected "
                    "1, as fusion.decision_average and the like give"
                )
            return fused[:, 0]
        return self._headed(self.fusion(modalities, train=train), train)

    def _headed(self, tokens: Tokens, train: bool) -> jax.Array:
        if self.trunk is not None:
            tokens = self.trunk(tokens, train=train)
        return self.head(tokens, train=train)

    def _encoded(self, name: str, batch: Mapping[str, jax.Array], train: bool) -> Tokens:
        values, mask = batch[name], batch[f"{name}_mask"]
        if name in self._many:
            values, mask = (rearrange(x, "b q ... -> (b q) ...") for x in (values, mask))
        tokens = self.encoders[name](values, mask, train=train)
        tokens = tokens.replace(x=constrain_batch(tokens.x))
        if self.trunks and name in self.trunks:
            tokens = self.trunks[name](tokens, train=train)
        return tokens

    def _decided(self, name: str, tokens: Tokens, train: bool) -> Tokens:
        decision = self.heads[name](tokens, train=train)
        return Tokens.of(decision[:, None], jnp.any(tokens.mask, axis=1, keepdims=True))


def check_form(field: str, part: nn.Module | None, takes: type, gives: type, folder: str) -> None:
    """Raises ValueError for a part that stands in the place of another kind, as far as hints of its `__call__` tell."""
    if part is None:
        return
    call = type(part).__call__
    try:
        hints = typing.get_type_hints(call)
    except NameError:  # names that only a type checker knows
        return
    first = next(itertools.islice(inspect.signature(call).parameters, 1, None), "")
    taken, given = (_kind(hints.get(name)) for name in (first, "return"))
    if taken not in (None, takes) or given not in (None, gives):
        made, of, expected, wanted = (
            kind.__name__.rpartition(".")[-1] for kind in (given or gives, taken or takes, gives, takes)
        )
        raise ValueError(
            f"{field} has {type(part).__name__}, which makes {made} of {of}; expected {expected} of {wanted}, as those "
            f"of mmjax/{folder}/ do"
        )


def _kind(hint: typing.Any) -> type | None:
    """Which of the three that parts exchange a hint means, if any."""
    found = typing.get_origin(hint) or hint
    kinds = (jax.Array, Tokens, Mapping) if isinstance(found, type) else ()
    return next((kind for kind in kinds if issubclass(found, kind)), None)
