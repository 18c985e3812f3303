"""How far a run is, on standard error: a live bar in a terminal, plain lines elsewhere.

seconds left = steps left * seconds / steps, both since the first update: compilation comes before it.
"""

import contextlib
import math
import sys
import time
from collections.abc import Mapping

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text


class Progress:
    """Shows steps, values and the time left while its `with` block runs.

    A reader who goes away (a closed pipe) is no reason to stop a run: what cannot be shown is dropped.
    """

    def __init__(self, total: int, start: int = 0):
        """For a run of `total` steps of which `start` are done."""
        self.total, self._step = total, start
        self._values: dict[str, float] = {}
        self._first: tuple[int, float] | None = None
        self._left: float | None = None
        self._console = Console(stderr=True, highlight=False, markup=False, emoji=False)
        self._live = None
        if sys.stderr.isatty() and not self._console.is_dumb_terminal:
            # Standard output stays as it is: it carries results, also when it is the same terminal.
            self._live = Live(
                get_renderable=self._draw, console=self._console, redirect_stdout=False, refresh_per_second=4
            )

    def __enter__(self) -> "Progress":
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *exception: object) -> None:
        if self._live:
            with contextlib.suppress(OSError):
                self._live.stop()

    def update(self, step: int, values: Mapping[str, float] | None = None) -> None:
        """Moves to `step`; `values` are shown, but for rows of tables (`score/table/row`).

        A terminal keeps the last value of each name in sight. Elsewhere values make a line:
        a call without them, at every step, costs nothing.
        """
        self._step = step
        self._first = self._first or (step, time.monotonic())
        self._left = left(step, self.total, self._first, time.monotonic())
        fresh = {name: value for name, value in (values or {}).items() if name.count("/") < 2}
        self._values.update(fresh)
        if fresh and not self._live:
            words = [
                f"step {step}/{self.total}",
                *(f"{name} {short(value)}" for name, value in fresh.items()),
            ]
            self.say("  ".join(words + ([f"{clock(self._left)} left"] if self._left is not None else [])))

    def say(self, text: str) -> None:
        """Prints a line of its own, above the bar where there is one."""
        with contextlib.suppress(OSError):
            if self._live:
                self._console.print(text)
            else:
                print(text, file=sys.stderr, flush=True)

    def _draw(self) -> Group:
        bar = Table.grid(padding=(0, 1), expand=True)
        bar.add_column(no_wrap=True)
        bar.add_column(ratio=1)
        bar.add_column(no_wrap=True)
        end = "" if self._left is None else f"  {clock(self._left)} left"
        bar.add_row(
            Text(f"step {self._step}/{self.total}", "bold"),
            ProgressBar(total=max(self.total, 1), completed=self._step),
            f"{math.floor(100 * self._step / max(self.total, 1))} %{end}",
        )
        values = Text(overflow="fold")
        for name, value in self._values.items():
            values.append(f"{name} ", "dim").append(short(value), "cyan").append("   ")
        return Group(bar, values)


def left(step: int, total: int, first: tuple[int, float], now: float) -> float | None:
    """Seconds to go at the pace since `first`, a (step, time); None while there is no pace yet."""
    done, seconds = step - first[0], now - first[1]
    return (total - step) * seconds / done if done > 0 else None


def clock(seconds: float) -> str:
    """Seconds as 0:07, 12:30 or 1:02:03."""
    minutes, rest = divmod(round(max(seconds, 0)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def short(value: float) -> str:
    """A number for people: counts in full with commas, others to four significant digits."""
    value = float(value)
    if value.is_integer() or abs(value) >= 1e4:
        return f"{value:,.0f}" if abs(value) < 1e15 else f"{value:.3e}"
    return f"{value:.4g}"
