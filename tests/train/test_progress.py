"""What a run shows of itself, in a real terminal (a pseudo-terminal) and in a pipe."""

import math
import os
import pty
import re
import subprocess
import sys

import pytest

from mmjax.train.progress import Progress, clock, left, short

RUN = """
import sys, time, warnings
from mmjax.train.progress import Progress
with Progress(750, 100) as progress:
    progress.say("training [bold] pictures")
    progress.update(200, {"loss": 0.51234})
    progress.update(400, {"loss": 0.25, "examples/s": 212.4})
    progress.update(400, {"exact_match": 0.9971, "exact_match/colour/what is": 0.5})
    progress.update(425)
    warnings.warn("mind the gap")
    print("result")
"""


def in_terminal(code: str, **environment: str) -> tuple[str, str]:
    """Standard output, and what a terminal of 100 columns receives on standard error."""
    reader, terminal = pty.openpty()
    variables = {**os.environ, "TERM": "xterm", "COLUMNS": "100", "LINES": "30", **environment}
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=terminal, env=variables, text=True
    )
    os.close(terminal)
    shown = b""
    try:
        while piece := os.read(reader, 4096):
            shown += piece
    except OSError as error:
        # The end of a pseudo-terminal whose other side is closed.
        assert error.errno == 5, error
    out = process.communicate()[0]
    os.close(reader)
    return out, shown.decode()


def plain(shown: str) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown)


def test_a_terminal_shows_a_bar_with_steps_values_scores_and_time_left():
    out, shown = in_terminal(RUN)
    assert out == "result\n"
    last = plain(shown).rsplit("step 425/750", 1)[1]
    assert "━" in last
    assert re.search(r"56 %  \d+:\d\d left", last)
    assert "loss 0.25   examples/s 212.4   exact_match 0.9971" in last
    assert "what is" not in last


def test_what_is_said_and_warned_in_a_terminal_stands_above_the_bar_word_for_word():
    text = plain(in_terminal(RUN)[1])
    last = text.rindex("step 425/750")
    assert text.index("training [bold] pictures") < last
    assert text.index("mind the gap") < last


def test_a_terminal_that_cannot_move_its_cursor_gets_plain_lines():
    shown = in_terminal(RUN, TERM="dumb")[1]
    assert "\x1b" not in shown
    assert "step 200/750  loss 0.5123\r\n" in shown


def test_a_pipe_gets_a_line_for_each_update_that_has_values_and_nothing_on_standard_output(capsys):
    with Progress(750, 100) as progress:
        progress.say("training [bold] pictures")
        progress.update(200, {"loss": 0.51234})
        progress.update(225)
        progress.update(400, {"exact_match": 0.9971, "exact_match/colour/what is": 0.5})
    out, shown = capsys.readouterr()
    assert out == ""
    lines = shown.splitlines()
    assert lines[:2] == ["training [bold] pictures", "step 200/750  loss 0.5123"]
    assert re.fullmatch(r"step 400/750  exact_match 0\.9971  \d+:\d\d left", lines[2])
    assert len(lines) == 3


def test_a_reader_who_goes_away_does_not_stop_the_run():
    code = RUN.replace("with", "print('up', file=sys.stderr, flush=True); sys.stdin.read()\nwith", 1)
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr.readline() == "up\n"
    process.stderr.close()
    process.stdin.close()
    assert process.stdout.read() == "result\n"
    process.stdout.close()
    process.wait()


def test_the_time_left_follows_the_pace_since_the_first_update():
    assert left(20, 100, first=(20, 1000.0), now=1000.0) is None
    assert left(40, 100, first=(20, 1000.0), now=1010.0) == 30.0
    assert left(100, 100, first=(20, 1000.0), now=1050.0) == 0.0


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00"), (59.6, "1:00"), (750, "12:30"), (3723, "1:02:03"), (-1, "0:00")]
)
def test_durations_read_like_a_clock(seconds, text):
    assert clock(seconds) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (9673, "9,673"),
        (1.0, "1"),
        (0.99731, "0.9973"),
        (1.25e-5, "1.25e-05"),
        (12345.6, "12,346"),
        (math.nan, "nan"),
        (-math.inf, "-inf"),
        (1e300, "1.000e+300"),
    ],
)
def test_numbers_are_short_for_people(value, text):
    assert short(value) == text
