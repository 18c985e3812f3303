"""mmjax: multimodal pretraining and finetuning in JAX and Flax."""

__version__ = "0.1.0"
__all__ = ["__version__", "load"]


def __getattr__(name: str):
    # `mmjax.load` brings in jax; data workers import this package too and must not pay for it.
    if name == "load":
        from mmjax.cli.load import load

        return load
    raise AttributeError(f"module 'mmjax' has no attribute {name!r}")
