"""What modules refuse: sizes that cannot be built and arrays of another form, each in one line."""

import jax
from flax import linen as nn

SIZES = ("dim", "layers", "heads", "head_dim", "hidden")


def check_sizes(module: nn.Module, *names: str, none: tuple[str, ...] = ()) -> None:
    """Raises ValueError where a size that modules share, or a field among `names`, is below one (None may be, and those
    in `none` may be 0), `heads` do not divide `dim` where nothing else gives their width, or `dropout` is no share in
    [0, 1).
    """
    for name in (*(shared for shared in SIZES if hasattr(module, shared)), *names):
        size = getattr(module, name)
        least = int(name not in none)
        if size is not None and size < least:
            raise ValueError(f"{name} is {size}; expected at least {least}")
    divided = hasattr(module, "dim") and hasattr(module, "heads") and not hasattr(module, "head_dim")
    if divided and module.dim % module.heads:
        raise ValueError(f"dim {module.dim} does not divide by heads {module.heads}; change one of them")
    if not 0 <= getattr(module, "dropout", 0.0) < 1:
        raise ValueError(f"dropout is {module.dropout}; expected a share in [0, 1)")


def check_start(module: nn.Module) -> None:
    """Raises ValueError where `start`, how wide a kernel starts, is no share above 0."""
    if module.start <= 0:
        raise ValueError(f"start is {module.start}; expected a number above 0")


def check_strides(kernel: int, strides: tuple[int, ...]) -> None:
    """Raises ValueError where a convolution would leap over steps."""
    if not strides or any(not 1 <= stride <= kernel for stride in strides):
        raise ValueError(f"strides are {strides}; expected at least one, each from 1 to the kernel's {kernel}")


def check_arrays(module: nn.Module, values: jax.Array, mask: jax.Array, axes: str) -> None:
    """Raises ValueError where values have other axes than `axes`, "B T | C", or a mask than those before the bar, or
    nothing along one of them.
    """
    before, _, after = axes.partition("|")
    lead = before.split()
    every = [*lead, *after.split()]
    if values.ndim != len(every) or mask.shape != values.shape[: len(lead)]:
        raise ValueError(
            f"{type(module).__name__} takes values [{', '.join(every)}] with a mask [{', '.join(lead)}], given "
            f"{values.shape} with {mask.shape}"
        )
    if not all(values.shape[1:]):
        raise ValueError(
            f"{type(module).__name__} takes values [{', '.join(every)}] of sizes from 1, given {values.shape}"
        )
