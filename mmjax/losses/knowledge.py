"""What is known about labels, as a loss: what the files that state it have in common.

loss = -ln P(it holds),  where each label k holds by itself with probability sigmoid(z_k)
"""

from typing import Protocol, runtime_checkable

import jax


@runtime_checkable
class Knowledge(Protocol):
    """`labels` are the names of the K labels that it is about, and `weight` what the loss counts beside the error."""

    labels: tuple[str, ...]
    weight: float

    def __call__(self, logits: jax.Array) -> jax.Array:
        """Logits [B, K] of the labels in their order to [B] fp32."""

    def kept(self, said: jax.Array) -> jax.Array:
        """Which rows of what is said of the labels, bool [N, K], keep to it: [N]."""


def check_knowledge(knowledge: Knowledge) -> None:
    """Raises ValueError for fewer than two labels, one that stands twice, or a weight below 0."""
    labels = knowledge.labels
    if len(set(labels)) != len(labels) or len(labels) < 2:
        raise ValueError(f"it is about the labels {tuple(labels)}; expected two or more, each once")
    if knowledge.weight < 0:
        raise ValueError(f"weight is {knowledge.weight}; expected 0, which only tells the loss, or more")
