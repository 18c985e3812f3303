"""What the parts of a model and the data they meet have to agree on."""

from collections.abc import Mapping
from typing import Any

from flax import linen as nn

from mmjax.core.build import accepted


def check_vocab(size: int, vocab: int, field: str) -> None:
    """Raises ValueError where a tokenizer of `size` words has some that a table of `vocab`, named `field`, lacks."""
    if size > vocab:
        raise ValueError(
            f"the tokenizer's size is {size} and {field} {vocab}; raise it, or make data.tokenizer smaller"
        )


def check_rate(data: int, encoder: int, field: str) -> None:
    """Raises ValueError where sound has another number of samples a second than its encoder, named `field`, expects."""
    if data != encoder:
        raise ValueError(f"the sound has {data} samples a second and {field} is {encoder}; make them equal")


def check_columns(data: Mapping[str, Any], encoder: Any, field: str) -> None:
    """Raises ValueError where a record has other columns than its encoder, named `field`, expects."""
    mine = {"numeric": encoder.numeric, "categories": list(encoder.categories)}
    if data != mine:
        told = [f"{one['numeric']} numbers and categories of {one['categories']} names" for one in (data, mine)]
        raise ValueError(f"the records have {told[0]}, but {field} takes {told[1]}; make them equal")


def check_times(data: bool, encoder: Any, field: str) -> None:
    """Raises ValueError unless an encoder, named `field`, takes a time with each step just where the data has one."""
    takes = getattr(encoder, "times", False)
    if data and not takes:
        raise ValueError(
            f"{field} is {type(encoder).__name__}, which takes steps at an even pace, but data.modality.readings gives "
            "each its time; take encoders.irregular_sensor, or data.modality.series; a class of your own that takes "
            "times says times = True"
        )
    if takes and not data:
        raise ValueError(
            f"{field} is {type(encoder).__name__}, which takes a time with each step, but data.modality.series gives "
            "none; take data.modality.readings, or encoders.sensor"
        )


def knowing(part: Any, vocabulary: Any, field: str) -> Any:
    """A part of a model, named `field`, told what the data knows: itself and each module in it that can be.

    Such a module has a method knowing(vocabulary), which gives the module to take its place.

    Raises:
        ValueError: one cannot do with what the data knows; its field is named.
    """
    if isinstance(part, Mapping):
        told = {name: knowing(one, vocabulary, f"{field}.{name}") for name, one in part.items()}
        return told if any(told[name] is not part[name] for name in part) else part
    if isinstance(part, tuple):
        told = tuple(knowing(one, vocabulary, f"{field}[{place}]") for place, one in enumerate(part))
        return told if any(new is not old for new, old in zip(told, part, strict=True)) else part
    if not isinstance(part, nn.Module):
        return part
    inside = {name: getattr(part, name) for name in accepted(type(part))}
    told = {name: knowing(one, vocabulary, f"{field}.{name}") for name, one in inside.items()}
    changed = {name: one for name, one in told.items() if one is not inside[name]}
    part = part.clone(**changed) if changed else part
    if not hasattr(part, "knowing"):
        return part
    try:
        return part.knowing(vocabulary)
    except ValueError as error:
        raise ValueError(f"{field}: {error}") from None
