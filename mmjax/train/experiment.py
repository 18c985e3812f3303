"""A whole run as one object: what a config's root builds."""

import dataclasses

from mmjax.core.data import Data
from mmjax.core.optim import Optim
from mmjax.core.partition import Partition
from mmjax.core.task import Coupled, Task
from mmjax.train.init_from import InitFrom
from mmjax.train.mesh import Mesh


@dataclasses.dataclass(frozen=True)
class Log:
    """Metrics are fetched and written every so many steps; only then does the host wait for the device."""

    every: int = 10


@dataclasses.dataclass(frozen=True)
class Evaluate:
    """The whole test split is evaluated every so many steps (0: only after the last one)."""

    every: int = 0


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """Saved every so many steps and after the last; the newest `keep` stay, and the one with the highest `best`."""

    every: int = 100
    keep: int = 2
    best: str | None = None


@dataclasses.dataclass(frozen=True)
class Guard:
    """A step whose loss or gradients are not finite is skipped; so many in a row stop the run."""

    steps: int = 20


@dataclasses.dataclass(frozen=True)
class Experiment:
    """The top keys of a config.

    `microbatches` cuts each batch in so many parts whose gradients are accumulated. `frozen_fresh` allows what is
    frozen to start at random, where it would stay; else it must be taken by `init_from`.
    """

    task: Task
    data: Data
    optim: Optim
    steps: int
    seed: int = 0
    partition: Partition = dataclasses.field(default_factory=Mesh)
    microbatches: int = 1
    log: Log = Log()
    evaluate: Evaluate = Evaluate()
    checkpoint: Checkpoint = Checkpoint()
    guard: Guard = Guard()
    init_from: InitFrom | str | None = None
    frozen_fresh: bool = False

    def __post_init__(self):
        if isinstance(self.init_from, str):
            object.__setattr__(self, "init_from", InitFrom(self.init_from))
        least = {"steps": 1, "microbatches": 1, "log.every": 1, "checkpoint.every": 1, "checkpoint.keep": 1}
        least |= {"evaluate.every": 0, "guard.steps": 1, "seed": 0}
        for key, low in least.items():
            value = self
            for name in key.split("."):
                value = getattr(value, name)
            if value < low:
                raise ValueError(f"{key} is {value}; expected at least {low}")
        try:
            self.optim.over(self.steps)
        except ValueError as error:
            fields = ", ".join(f"optim.schedule.{field.name}" for field in dataclasses.fields(self.optim.schedule))
            raise ValueError(
                f"optim.schedule does not fit steps={self.steps}: {error}; change steps or one of {fields}"
            ) from None
        if self.microbatches > 1 and self.task.coupled and not isinstance(self.task, Coupled):
            raise ValueError(
                f"microbatches is {self.microbatches}, but the loss of {type(self.task).__name__} ties the examples "
                "of a batch together and cannot be cut; set microbatches to 1"
            )
