"""What the bench runs on: data sets by name, and what each op needs there that it does not need elsewhere."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import mmjax.fusion
from mmjax.cli import config
from mmjax.core.build import describe, locate

CONFIGS = Path(__file__).parents[2] / "configs"


@dataclasses.dataclass(frozen=True)
class Set:
    """A data set as FILE.py:VARIANT of configs/.

    `fields` are those that an op of this name gets there, `pooled` the modalities that are brought to one token, so
    that ops which mix position by position find it at each of the others'.
    """

    spec: str
    fields: Mapping[str, Mapping[str, Any]] = dataclasses.field(default_factory=dict)
    pooled: tuple[str, ...] = ()

    def overrides(self, op: str) -> dict[str, Any]:
        """The keys of the config that make a fusion op stand in it, and their values.

        An op that `decides` fuses what a head says of each modality; others come before the head.
        """
        model = describe(config.load(f"{CONFIGS / self.spec}").task)["model"]
        order = tuple(model["fusion"]["order"])
        found = {"task.model.fusion": {"use": f"fusion.{op}", "order": order, **self.fields.get(op, {})}}
        if self.pooled:
            found["task.model.trunks"] = {name: {"use": "nn.pool"} for name in self.pooled}
        if getattr(locate(f"fusion.{op}"), "decides", False):
            heads = {name: model["head"] for name in order}
            found |= {"task.model.heads": heads, "task.model.head": None, "task.model.trunk": None}
        return found


# Every op runs on these.
EVERY = {
    # Six views of width 8 would have 531,441 products.
    "mfeat": Set("mfeat.py:base", {"tensor": {"width": 4}}),
    "easyvqa": Set("easy_vqa_fusion.py:base"),
}
# The best ones run on these too.
REST = {
    "basic_motions": Set("sensors.py:base"),
    "japanese_vowels": Set("sensors.py:vowels"),
    "smartwatch": Set("sensors.py:smartwatch"),
    "av_digits": Set("av_digits.py:base", pooled=("image",)),
}


def ops() -> list[str]:
    """The fusion ops, by the names of their files."""
    (folder,) = mmjax.fusion.__path__
    return sorted(path.stem for path in Path(folder).glob("*.py") if path.stem != "__init__")
