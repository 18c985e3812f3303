"""mmjax and public implementations side by side: processes with the same cores, rounds in turn, medians and ratios.

`python -m experiments.benchmarks.run --work=vit,decode1 --peers-python=PYTHON` writes a table to standard output and
everything that was measured to --out. $BIG_VISION names a checkout of big_vision; what is absent is left out.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
OURS, AGAIN, TORCH, JAX = "mmjax", "mmjax again (A/A)", "PyTorch", "big_vision"
HAND, KEPT = "one function by hand", "PyTorch, words kept"

# Of each work: who does it, and in which file. All are told relative to the first.
WORKS = {
    "vit": {OURS: "ours:vit", AGAIN: "ours:vit", TORCH: "torch_peers:vit", JAX: "big_vision_peer:vit"},
    "pali": {OURS: "ours:pali", AGAIN: "ours:pali", TORCH: "torch_peers:pali"},
    "decode1": {OURS: "ours:decode1", AGAIN: "ours:decode1", TORCH: "torch_peers:decode1"},
    "decode8": {OURS: "ours:decode8", AGAIN: "ours:decode8", TORCH: "torch_peers:decode8"},
    "input": {OURS: "input_ours:stream", AGAIN: "input_ours:stream", TORCH: "input_torch:stream"},
    "compose2": {OURS: "multimodal:compose2", AGAIN: "multimodal:compose2", HAND: "multimodal:hand2"},
    "compose3": {OURS: "multimodal:compose3", AGAIN: "multimodal:compose3", HAND: "multimodal:hand3"},
    "late": {OURS: "multimodal:late", AGAIN: "multimodal:late", TORCH: "torch_multimodal:late"},
    "mult": {OURS: "multimodal:mult", AGAIN: "multimodal:mult", TORCH: "torch_multimodal:mult"},
    "beit3": {OURS: "multimodal:beit3", AGAIN: "multimodal:beit3", TORCH: "torch_multimodal:beit3"},
    "caption": {
        OURS: "multimodal:caption",
        AGAIN: "multimodal:caption",
        TORCH: "torch_caption:caption",
        KEPT: "torch_caption:caption_kept",
    },
    "soft_dtw": {OURS: "soft_dtw:ours", AGAIN: "soft_dtw:ours", TORCH: "soft_dtw:torch_loop"},
    "scan": {"scan": "ours:deep_scan", "loop": "ours:deep_loop"},
    "loop": {"training loop": "ours:pali_loop", "bare step": "ours:pali_bare"},
}
PRODUCTS = {"product of jax": "ours:product", "product of PyTorch": "torch_peers:product"}


class Contender:
    """A worker process that runs when it is told and waits otherwise."""

    def __init__(self, name: str, target: str, python: str, environment: dict[str, str], folder: str):
        self.name, self.seconds, self.facts = name, [], {}
        command = [python, "-m", "experiments.benchmarks.worker", target]
        self.said = Path(folder) / f"{name.replace('/', ' ')}.txt"
        with self.said.open("w") as said:
            pipes = dict(stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said, text=True)
            self.process = subprocess.Popen(command, cwd=ROOT, env=environment, **pipes)
        self._hear()

    def run(self, times: int) -> None:
        """One round: the median of so many runs."""
        self.seconds.append(statistics.median(self._ask(times)))

    def end(self) -> None:
        self.facts = self._ask(0)
        self.process.wait()

    def _ask(self, number: int):
        print(number, file=self.process.stdin, flush=True)
        return self._hear()

    def _hear(self):
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.said.read_text()}\n{self.name} has ended; what it said stands above")
        return json.loads(line)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", default="all", help=f"some of {', '.join(WORKS)}, or all")
    parser.add_argument("--peers-python", help="a Python with requirements.txt of this folder")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=1.0, help="about how long a contender runs in a round")
    parser.add_argument("--out", type=Path, help="a JSON file")
    args = parser.parse_args()
    works = list(WORKS) if args.work == "all" else args.work.split(",")
    unknown = [work for work in works if work not in WORKS]
    if unknown:
        raise SystemExit(f"no work {unknown[0]!r}; there are {', '.join(WORKS)} and all")
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: args.threads])

    machine = {"cpu": cpu(), "cores": args.threads, "system": platform.platform()}
    print(f"{machine['cpu']}, {args.threads} cores\n", flush=True)
    found = {}
    for work in works:
        with tempfile.TemporaryDirectory() as folder:
            contenders = measure(work, args, folder)
        found[work] = {c.name: {"seconds": c.seconds, **c.facts} for c in contenders}
        print(table(work, found[work]), flush=True)
        if args.out:
            args.out.write_text(json.dumps({"machine": machine, "works": found}, indent=1))


def measure(work: str, args: argparse.Namespace, folder: str) -> list[Contender]:
    """All contenders of a work, and the machine's best product beside those whose products are known."""
    targets = WORKS[work] | (PRODUCTS if work in ("vit", "pali") else {})
    threads = str(args.threads)
    environment = {**os.environ, "OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads, "PYTHONPATH": str(ROOT)}
    contenders = []
    for name, target in targets.items():
        python = args.peers_python if "torch" in target else sys.executable
        if python is None or ("big_vision" in target and "BIG_VISION" not in os.environ):
            print(f"{work}: {name} is left out", file=sys.stderr)
            continue
        contenders.append(Contender(name, target, python, environment, folder))
    # A first round tells how many runs fill a turn; it counts for nothing.
    for contender in contenders:
        contender.run(1)
    times = [max(1, round(args.seconds / contender.seconds.pop())) for contender in contenders]
    for number in range(args.rounds):
        # Every other round goes backwards, so that no one always follows the same neighbour.
        for contender, count in list(zip(contenders, times, strict=True))[:: 1 if number % 2 == 0 else -1]:
            time.sleep(0.1)  # threads of the one before that wait by spinning come to rest
            contender.run(count)
    for contender in contenders:
        contender.end()
    return contenders


def table(work: str, found: dict[str, dict]) -> str:
    """Markdown: time, the first contender's ratio to each (median over rounds and quartiles), and what is known."""
    first, *others = found
    lines = [f"### {work}", "", f"| | ms | {first} takes | peak MB | parameters | loss |", "|---|---|---|---|---|---|"]
    best = max((x["products"] / statistics.median(x["seconds"]) for n, x in found.items() if n in PRODUCTS), default=0)
    for name, facts in found.items():
        cells = [name, f"{1e3 * statistics.median(facts['seconds']):.1f}", ""]
        if name in others:
            cells[-1] = spread([a / b for a, b in zip(found[first]["seconds"], facts["seconds"], strict=True)])
        cells += [f"{facts['peak_mb']:.0f}", f"{facts.get('parameters', '')}"]
        cells += [f"{facts['loss']:.3f}" if "loss" in facts else ""]
        lines.append(f"| {' | '.join(cells)} |")
    told = []
    if best:
        used = found[first]["products"] / statistics.median(found[first]["seconds"])
        told.append(f"best product {best / 1e9:.0f} GFLOP/s, of which {first} has {used / best:.2f}")
    if TORCH in found and "peak_mb" in found[first]:
        told.append(f"peak memory {found[first]['peak_mb'] / found[TORCH]['peak_mb']:.2f} of PyTorch's")
    if "temp_mb" in found[first] and len(others) == 1:
        for key in ("compile_seconds", "temp_mb"):
            told.append(f"{key} {found[first][key] / found[others[0]][key]:.2f}")
    return "\n".join([*lines, "", *[f"- {line}" for line in told], ""])


def spread(ratios: list[float]) -> str:
    low, middle, high = statistics.quantiles(ratios, n=4) if len(ratios) > 1 else ratios * 3
    return f"**{middle:.3f}** ({low:.3f}-{high:.3f})"


def cpu() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    fields = dict(line.split(":", 1) for line in lines if ":" in line)
    known = {key.strip(): value.strip() for key, value in fields.items()}
    return f"{known['model name']} (family {known['cpu family']}, model {known['model']})"


if __name__ == "__main__":
    main()
