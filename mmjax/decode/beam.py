"""Beam search with a length penalty: at each place the `width` most probable sequences go on.

score = log p(tokens) / ((5 + n) / 6) ** penalty, n tokens with the end among them (Wu et al. 2016, arXiv 1609.08144)

Sequences that go on and those that have ended are kept apart, as in T5X: an ended one takes no place from the others,
and the search goes on until nothing that it follows could still get a better score. Of the ended ones only the best
is kept, since only the best is asked for.
"""

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from einops import rearrange, repeat

from mmjax.decode.search import Pick, Step, check, log_probabilities

WIDEST = 1024


class _Beams(NamedTuple):
    tokens: jax.Array  # [B, W, T] those that go on, most probable first
    log_p: jax.Array  # [B, W], -inf where there is none
    parent: jax.Array  # [B, W], the beam that each came from in the last step
    ended: jax.Array  # [B, T] the best that has ended
    ended_log_p: jax.Array  # [B]
    score: jax.Array  # [B] of it, -inf while none has ended


@dataclasses.dataclass(frozen=True)
class Beam:
    """See `search.Search`; the key is not used. A width of 1 without a penalty is greedy search.

    An end counts where it is among the `width` best steps. A row in which nothing has ended when the length is reached
    gives its most probable sequence.

    Args:
        width: how many sequences are followed in each row; the batch that `step` sees is so many times larger.
        penalty: above 0 long sequences are favoured over what their probability says; T5X takes 0.6.
    """

    width: int = 4
    penalty: float = 0.0

    def __post_init__(self):
        # Memory grows with the width; a score is divided by a power of the penalty, which must stay finite.
        if not 1 <= self.width <= WIDEST or not 0 <= self.penalty <= 10:
            raise ValueError(
                f"width is {self.width} and penalty {self.penalty}; expected a width of 1 to {WIDEST} and a penalty "
                "of 0 to 10"
            )

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
        check(length, eos, pad)
        batch = logits.shape[0]

        def undecided(loop):
            at, _, beams = loop
            reachable = beams.log_p[:, 0] / self._penalty(length)  # log p only falls, the penalty only grows
            return (at < length) & jnp.any(reachable > beams.score)

        def advance(loop):
            at, cache, beams = loop
            cache, logits = step(pick(cache, beams.parent), rearrange(beams.tokens[:, :, at - 1], "b w -> (b w)"))
            return at + 1, cache, self._extend(at, logits, beams, eos, pad)

        beams = self._extend(
            0, repeat(logits, "b v -> (b w) v", w=self.width), self._start(batch, length, pad), eos, pad
        )
        cache = pick(cache, jnp.zeros((batch, self.width), jnp.int32))
        beams = jax.lax.while_loop(undecided, advance, (jnp.ones((), jnp.int32), cache, beams))[-1]
        done = beams.score > -jnp.inf
        tokens = jnp.where(done[:, None], beams.ended, beams.tokens[:, 0])
        return tokens, jnp.where(done, beams.ended_log_p, beams.log_p[:, 0])

    def _start(self, batch: int, length: int, pad: int) -> _Beams:
        """One beam a row that holds nothing yet."""
        tokens = jnp.full((batch, self.width, length), pad, jnp.int32)
        log_p = jnp.full((batch, self.width), -jnp.inf).at[:, 0].set(0.0)
        none = jnp.full(batch, -jnp.inf)
        return _Beams(tokens, log_p, jnp.zeros_like(tokens[..., 0]), tokens[:, 0], none, none)

    def _extend(self, at: jax.Array | int, logits: jax.Array, beams: _Beams, eos: int, pad: int) -> _Beams:
        """The beams with a token at place `at`, from logits [B * W, V]."""
        log_p = rearrange(log_probabilities(logits, pad), "(b w) v -> b w v", w=self.width)
        every = rearrange(beams.log_p[:, :, None] + log_p, "b w v -> b (w v)")
        # A beam has one end, so that among twice as many there are enough that go on.
        log_p, best = jax.lax.top_k(every, 2 * self.width)
        parent, token = jnp.divmod(best, logits.shape[-1])
        tokens = jnp.take_along_axis(beams.tokens, parent[..., None], axis=1).at[:, :, at].set(token)
        ends = token == eos

        counts = ends & (jnp.arange(2 * self.width) < self.width)
        score = jnp.where(counts, log_p, -jnp.inf) / self._penalty(at + 1)
        winner = jnp.argmax(score, axis=1, keepdims=True)
        better = jnp.take_along_axis(score, winner, axis=1)[:, 0] > beams.score

        on, chosen = jax.lax.top_k(jnp.where(ends, -jnp.inf, log_p), self.width)
        return _Beams(
            tokens=jnp.take_along_axis(tokens, chosen[..., None], axis=1),
            log_p=on,
            parent=jnp.take_along_axis(parent, chosen, axis=1),
            ended=jnp.where(better[:, None], jnp.take_along_axis(tokens, winner[..., None], axis=1)[:, 0], beams.ended),
            ended_log_p=jnp.where(better, jnp.take_along_axis(log_p, winner, axis=1)[:, 0], beams.ended_log_p),
            score=jnp.where(better, jnp.take_along_axis(score, winner, axis=1)[:, 0], beams.score),
        )

    def _penalty(self, tokens: jax.Array | int) -> jax.Array:
        return ((5.0 + tokens) / 6.0) ** self.penalty
