"""Adam with decoupled weight decay.

m <- b1 m + (1 - b1) g;  v <- b2 v + (1 - b2) g^2
u = m' / (sqrt(v') + eps) + decay * p,  where ' divides by 1 - b ** t
Loshchilov and Hutter 2019 (arXiv 1711.05101).
"""

import dataclasses

import optax


@dataclasses.dataclass(frozen=True)
class Adamw:
    """AdamW: gradients -> bias-corrected direction, per element."""

    b1: float = 0.9
    b2: float = 0.999
    eps: float = 1e-8
    decay: float = 0.01

    def direction(self) -> optax.GradientTransformation:
        return optax.scale_by_adam(self.b1, self.b2, self.eps)
