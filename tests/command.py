"""The command line as a user runs it: real processes."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[1]


def start(*words: object, env: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
    """`mmjax WORDS` begun, from the root of the project."""
    command = [sys.executable, "-m", "mmjax", *map(str, words)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=ROOT, env=env or os.environ, text=True, stdout=pipe, stderr=pipe)


def mmjax(*words: object, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """`mmjax WORDS` to its end."""
    process = start(*words, env=env)
    out, err = process.communicate(timeout=300)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def module(name: str, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """`python -m NAME` to its end, such as a comparison on several devices."""
    return subprocess.run([sys.executable, "-m", name], cwd=ROOT, env=env, capture_output=True, text=True, check=False)
