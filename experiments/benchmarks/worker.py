"""One contender in a process of its own: it builds, warms up, and runs so many times whenever it is told a number.

`python -m experiments.benchmarks.worker MODULE:NAME` speaks in JSON lines. NAME in MODULE.py of this folder takes
nothing and returns (run, facts): `run()` does one unit of work to its end, `facts()` tells what is known after it.
"""

import importlib
import json
import os
import sys
import time
from pathlib import Path

WARM = 3


def main(contender: str) -> None:
    # Libraries print what they like; lines for the parent go to the real standard output.
    told, sys.stdout = sys.stdout, sys.stderr
    module, name = contender.split(":")
    run, facts = getattr(importlib.import_module(f"experiments.benchmarks.{module}"), name)()
    for _ in range(WARM):
        run()
    forget_peak()
    print(json.dumps({"ready": contender}), file=told, flush=True)
    for line in sys.stdin:
        count = int(line)
        if not count:
            print(json.dumps({**facts(), "peak_mb": peak()}), file=told, flush=True)
            break
        print(json.dumps([clock(run) for _ in range(count)]), file=told, flush=True)
    # Threads that still wait for work (a training loop for its next batch) need not be ended one by one.
    told.flush()
    os._exit(0)


def clock(run) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def forget_peak() -> None:
    """What was used to build and to compile does not count as the peak of running."""
    Path("/proc/self/clear_refs").write_text("5")


def peak() -> float:
    """The most memory that was resident, in MB."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


if __name__ == "__main__":
    main(sys.argv[1])
