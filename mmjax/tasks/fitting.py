"""What the parts of a model and the data they meet have to agree on."""

from collections.abc import Mapping
from typing import Any


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
