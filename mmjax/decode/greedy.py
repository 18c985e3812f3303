"""Greedy search: at each place the most probable token, until every row has ended or the length is reached."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp

from mmjax.decode.search import Pick, Step, follow


@dataclasses.dataclass(frozen=True)
class Greedy:
    """See `search.Search`; the key is not used."""

    def __call__(
        self,
        step: Step,
        pick: Pick,
        cache: Any,
        logits: jax.Array,
        *,
        length: int,
        eos: int,
        pad: int,
        key: jax.Array | None = None,
    ) -> tuple[jax.Array, jax.Array]:
        def choose(at: jax.Array, log_p: jax.Array) -> jax.Array:
            return jnp.argmax(log_p, axis=-1)

        return follow(choose, step, cache, logits, length=length, eos=eos, pad=pad)
