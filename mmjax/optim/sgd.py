"""Stochastic gradient descent with momentum.

m <- momentum * m + g;  u = m  (nesterov: u = g + momentum * m)  + decay * p
Polyak 1964; Nesterov 1983; Sutskever et al. 2013.
"""

import dataclasses

import optax


@dataclasses.dataclass(frozen=True)
class Sgd:
    """SGD: gradients -> their decayed sum; no state without momentum."""

    momentum: float = 0.9
    nesterov: bool = False
    decay: float = 0.0

    def __post_init__(self) -> None:
        if self.nesterov and not self.momentum:
            raise ValueError("nesterov needs a momentum above 0")

    def direction(self) -> optax.GradientTransformation:
        if not self.momentum:
            return optax.identity()
        return optax.trace(self.momentum, self.nesterov)
