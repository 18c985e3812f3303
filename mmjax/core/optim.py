"""The Optim protocol: how parameters move. The trainer gives it trainable leaves alone, as nested dicts."""

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

import jax

Params = Mapping[str, Any]


@runtime_checkable
class Optim(Protocol):
    """Its state is a pytree with the fields `chain` and `average` (the moving average of the parameters, or None)."""

    def over(self, steps: int) -> "Optim":
        """The optimiser of a run of so many steps."""

    def trainable(self, params: Params) -> set[str]:
        """The paths of the parameters that are not frozen; params may be abstract."""

    def init(self, params: Params) -> Any:
        """The state for trainable parameters."""

    def update(self, grads: Params, opt: Any, params: Params) -> tuple[Params, Any, jax.Array]:
        """New parameters and state, and the global norm of the gradients, fp32."""

    def rate(self, opt: Any) -> dict[str, jax.Array]:
        """Scalars worth logging, such as the learning rate of the next update."""
