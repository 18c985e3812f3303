"""What losses and modalities do to each other's parameters, told and left as it is: norms and cosines of gradients."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from mmjax.tasks.surgery import Flat, Surgery, cosines, matching, named, products


@dataclasses.dataclass(frozen=True)
class Watch(Surgery):
    """A task of one or several losses; what is learnt is what it learns by itself.

    Args:
        shared: a pattern of the paths of the parameters over which cosines are taken; leave frozen ones out.
    """

    shared: str = ".*"

    def operated(
        self, apart: Callable[..., Sequence[Flat]], found: Mapping[str, jax.Array], own: Any
    ) -> tuple[Flat, Mapping[str, jax.Array], Any]:
        gradients = apart()
        summed = {path: sum(one[path] for one in gradients) for path in gradients[0]}
        told = {}
        for name in sorted(getattr(self.model, "encoders", ())):
            mine = [path for path in summed if path.startswith(f"encoders_{name}/")]
            if mine:
                square = sum(jnp.sum(jnp.square(summed[path])) for path in mine)
                told[f"norm/gradients of encoders/{name}"] = jnp.sqrt(square)
        chosen = matching(summed, self.shared)
        return summed, told | named(cosines(products(gradients, chosen)), tuple(self.task.weights)), own
