"""What XLA is told beside a program."""

from functools import cache

import jax


@cache
def cpu_options(platform: str, **options: bool | int) -> dict[str, bool | int]:
    """Options for the CPU's compiler: {} on other platforms.

    Options of a compiler come and go: where it does not know one of these, none is asked for.
    """
    if platform != "cpu":
        return {}
    try:
        jax.jit(lambda: 0, compiler_options=options)()
    except jax.errors.JaxRuntimeError:
        return {}
    return options
