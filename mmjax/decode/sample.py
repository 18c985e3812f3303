"""Sampling: each token is drawn, from the most probable ones where top-k or top-p (nucleus sampling) ask for it.

token ~ softmax(log p / temperature), over the k most probable, over the fewest of these that hold the share p

Fan et al. 2018, arXiv 1805.04833 (top-k); Holtzman et al. 2020, arXiv 1904.09751 (top-p).
"""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp

from mmjax.decode.search import Pick, Step, follow


@dataclasses.dataclass(frozen=True)
class Sample:
    """See `search.Search`; the log-probabilities told are the model's own, whatever the drawing was confined to.

    Args:
        temperature: below 1 the probable become more so.
        top_k: how many tokens a draw may be from, None for all.
        top_p: the share that they must hold, after temperature and top-k; the token that crosses it is one of them.
        seed: another one draws others; the same draws the same again.
    """

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None
    seed: int = 0

    def __post_init__(self):
        # Beyond, what log-probabilities are divided by or come to is infinite in fp32, and nothing can be drawn.
        if not 1e-6 <= self.temperature <= 1e6:
            raise ValueError(
                f"temperature is {self.temperature}; expected 1e-6 to 1e6 (decode.greedy is the limit of small ones)"
            )
        if not 0 <= self.seed < 2**32:
            raise ValueError(f"seed is {self.seed}; expected 0 to 2 ** 32 - 1")
        if self.top_k is not None and self.top_k < 1:
            raise ValueError(f"top_k is {self.top_k}; expected at least 1, or None for all tokens")
        if self.top_p is not None and not 0 < self.top_p <= 1:
            raise ValueError(f"top_p is {self.top_p}; expected a share in (0, 1], or None for all tokens")

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
        key: jax.Array,
    ) -> tuple[jax.Array, jax.Array]:
        key = jax.random.fold_in(key, self.seed)

        def choose(at: jax.Array, log_p: jax.Array) -> jax.Array:
            return self._draw(jax.random.fold_in(key, at), log_p / self.temperature)

        return follow(choose, step, cache, logits, length=length, eos=eos, pad=pad)

    def _draw(self, key: jax.Array, logits: jax.Array) -> jax.Array:
        """Tokens [B] from logits [B, V]."""
        if self.top_k is None and self.top_p is None:
            return jax.random.categorical(key, logits)
        count = logits.shape[-1] if self.top_k is None else min(self.top_k, logits.shape[-1])
        best, tokens = jax.lax.top_k(logits, count)
        if self.top_p is not None:
            share = jax.nn.softmax(best)
            before = jnp.cumsum(share, axis=-1) - share
            best = jnp.where(before < self.top_p, best, -jnp.inf)
        return jnp.take_along_axis(tokens, jax.random.categorical(key, best)[:, None], axis=-1)[:, 0]
