"""Adafactor as T5X configures it: second moments factored, updates clipped and scaled by parameter.

V ~ R C' / mean(R) from means of g^2 + eps over columns and rows, decayed by 1 - t ** -power
u = g / sqrt(V);  u <- u / max(1, rms(u) / clip) * max(floor, rms(p))  + decay * p
Shazeer and Stern 2018 (arXiv 1804.04235). Learning rates near 0.01 make sense because of the scaling.
Unlike in T5X, `decay` is multiplied by the learning rate, as in every rule here.
"""

import dataclasses

import optax


@dataclasses.dataclass(frozen=True)
class Adafactor:
    """Adafactor without momentum: gradients -> direction, per parameter of one layer.

    A parameter whose two largest axes are both at least `factor` long keeps the means over each of the two in
    place of a whole second moment.
    """

    power: float = 0.8
    clip: float = 1.0
    factor: int = 128
    eps: float = 1e-30
    floor: float = 1e-3
    decay: float = 0.0

    def direction(self) -> optax.GradientTransformation:
        return optax.chain(
            optax.scale_by_factored_rms(decay_rate=self.power, min_dim_size_to_factor=self.factor, epsilon=self.eps),
            optax.clip_by_block_rms(self.clip),
            optax.scale_by_param_block_rms(self.floor),
        )
