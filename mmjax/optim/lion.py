"""Lion: the sign of an interpolation of momentum and gradient.

u = sign(b1 m + (1 - b1) g) + decay * p;  m <- b2 m + (1 - b2) g
Chen et al. 2023 (arXiv 2302.06675). Rates 3 to 10 times smaller than AdamW's, decays larger.
"""

import dataclasses

import optax


@dataclasses.dataclass(frozen=True)
class Lion:
    """Lion: gradients -> signs, per element."""

    b1: float = 0.9
    b2: float = 0.99
    decay: float = 0.1

    def direction(self) -> optax.GradientTransformation:
        return optax.scale_by_lion(self.b1, self.b2)
