"""Lines for people, on standard error; standard output carries results alone."""

import sys


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
