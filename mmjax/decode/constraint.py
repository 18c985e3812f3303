"""Decoding confined to a list of answers: whatever the search, it writes one of them (a trie over their tokens).

p(token | before) stays the model's own where `before, token` begins an answer and is 0 elsewhere

Nothing is divided by what is left, so that a search for the most probable sequence finds the most probable answer of
the list. The trie is as large as its answers have tokens, whatever the vocabulary.
"""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct

from mmjax.decode.search import Pick, Step
from mmjax.nn.block import chosen


@struct.dataclass
class Trie:
    """Beginnings of answers as numbered nodes, 0 the empty one; the edge e, sorted by its node, leads to node e + 1."""

    first: jax.Array  # [N + 1], the first edge of each node
    token: jax.Array  # [N - 1], of each edge; the end token is an edge like others
    width: int = struct.field(pytree_node=False)  # the most edges that a node has
    pad: int = struct.field(pytree_node=False)

    @classmethod
    def of(cls, answers: Sequence[Sequence[int]], *, length: int, eos: int, pad: int) -> "Trie":
        """The trie of answers, each its tokens without an end.

        Raises:
            ValueError: there is no answer, or one that has no token, a special one, or with its end more than `length`.
        """
        if not answers:
            raise ValueError("the list of answers is empty; give at least one, or decode without a list")
        following: dict[tuple[int, ...], list[int]] = {}
        for number, answer in enumerate(answers):
            if not answer or eos in answer or pad in answer or len(answer) >= length:
                raise ValueError(
                    f"answer {number} is {len(answer)} tokens {list(answer)}; expected 1 to {length - 1} (with the end "
                    f"{length}) and neither the end token {eos} nor the pad {pad} among them"
                )
            path = (*map(int, answer), eos)
            for n, token in enumerate(path):
                edges = following.setdefault(path[:n], [])
                if token not in edges:
                    edges.append(token)
        nodes, tokens, first = [()], [], [0]
        for node in nodes:  # breadth first: the list grows by the ends of the node's edges
            edges = following.get(node, [])
            tokens += edges
            nodes += [(*node, token) for token in edges]
            first.append(len(tokens))
        widest = max(map(len, following.values()))
        return cls(np.array(first, np.int32), np.array(tokens, np.int32), width=widest, pad=pad)

    def edges(self, node: jax.Array) -> tuple[jax.Array, jax.Array]:
        """The tokens [B, width] that may follow nodes [B], and which of them there are."""
        at = jnp.asarray(self.first)[node][:, None] + jnp.arange(self.width)
        real = at < jnp.asarray(self.first)[node + 1][:, None]
        return jnp.asarray(self.token)[jnp.where(real, at, 0)], real

    def follow(self, node: jax.Array, token: jax.Array) -> jax.Array:
        """The nodes [B] after a token [B]; where it leads nowhere (the row has ended) they stay."""
        tokens, real = self.edges(node)
        match = real & (tokens == token[:, None])
        return jnp.where(match.any(axis=1), jnp.asarray(self.first)[node] + jnp.argmax(match, axis=1) + 1, node)

    def confine(self, node: jax.Array, logits: jax.Array) -> jax.Array:
        """Logits [B, V] in fp32 with which no token is chosen that leads out of the list."""
        batch, vocab = logits.shape
        tokens, real = self.edges(node)
        at = jnp.where(real, tokens, vocab)  # one beyond the last is dropped
        allowed = jnp.zeros((batch, vocab), bool).at[jnp.arange(batch)[:, None], at].set(True, mode="drop")
        logits = logits.astype(jnp.float32)
        # The share of all other tokens goes to the pad, which no search chooses: the rest keep their probability.
        other = jax.nn.logsumexp(jnp.where(allowed, -jnp.inf, logits), axis=-1, keepdims=True)
        return jnp.where(jnp.arange(vocab) == self.pad, other, jnp.where(allowed, logits, -jnp.inf))


def constrain(step: Step, pick: Pick, cache: Any, logits: jax.Array, trie: Trie) -> tuple[Step, Pick, Any, jax.Array]:
    """What a search is given, so that it finds nothing but answers of the trie; the search itself does not change."""

    def confined(cache: Any, token: jax.Array) -> tuple[Any, jax.Array]:
        inner, node = cache
        inner, logits = step(inner, token)
        node = trie.follow(node, token)
        return (inner, node), trie.confine(node, logits)

    def picked(cache: Any, beams: jax.Array) -> Any:
        inner, node = cache
        return pick(inner, beams), chosen(node, beams)

    root = jnp.zeros(len(logits), jnp.int32)
    return confined, picked, (cache, root), trie.confine(root, logits)
