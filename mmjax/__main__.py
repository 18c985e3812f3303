"""`mmjax VERB ...` and `python -m mmjax VERB ...`."""

import argparse
import importlib
import keyword
import logging
import os
import sys
import threading
import warnings
from collections.abc import Sequence
from typing import NoReturn

from mmjax import __version__
from mmjax.core.build import nearest

VERBS = {
    "train": "train what a config describes, or go on with it",
    "evaluate": "scores of a run on a whole split",
    "predict": "what a run says to a picture and a text",
    "data": "build, list and show data sets",
    "import": "take a public checkpoint's weights for a config's model",
    "robustness": "scores of a run without some modalities, and with corrupted ones",
    "align": "how late one film, sound or series is to another",
    "new": "begin a fusion, interaction, encoder or head, with its test",
}
# Verbs that take --config.KEY=VALUE; to the others it would change nothing.
CONFIGURED = ("train", "evaluate", "robustness", "predict", "import")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ValueError(f"{message}; see `{self.prog} --help`")


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code; whatever goes wrong is one line on standard error (`--debug` shows where).

    Without words this is the process of a command: it takes those of the process, and says nothing but our lines.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in words
    if argv is None and not debug:
        _quiet()
    try:
        return _run([word for word in words if word != "--debug"])
    except KeyboardInterrupt:
        print("mmjax: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # Whoever read our output has left; the interpreter would complain again when it closes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        if debug:
            raise
        line = " ".join(str(error).split()) or type(error).__name__
        ours = isinstance(error, ValueError | OSError | RuntimeError | MemoryError)
        print(f"mmjax: {line if ours else f'{type(error).__name__}: {line} (--debug shows where)'}", file=sys.stderr)
        return 1


def _quiet() -> None:
    """Ends what libraries say by themselves, up to the end of the process; what matters is raised."""
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    # A writer that finds the disk full leaves dozens of unfinished others behind, each of which would tell its end.
    sys.unraisablehook = threading.excepthook = lambda *_: None


def _run(argv: Sequence[str]) -> int:
    parser = _Parser(prog="mmjax", description="Multimodal pretraining and finetuning in JAX and Flax.")
    parser.add_argument("--version", action="version", version=f"mmjax {__version__}")
    parser.add_argument("--debug", action="store_true", help="show where an error came from")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", parser_class=_Parser)
    words = [word for word in argv if not word.startswith("-")]
    if words and words[0] not in VERBS:
        raise ValueError(f"no verb {words[0]!r}; there are {', '.join(VERBS)}{nearest(words[0], VERBS)}")
    chosen = words[0] if words else None
    for verb, summary in VERBS.items():
        sub = verbs.add_parser(verb, help=summary, description=summary, allow_abbrev=False)
        if verb == chosen:
            # A word of Python's own cannot name a module that others import.
            module = importlib.import_module(f"mmjax.cli.{verb}" + "_" * keyword.iskeyword(verb))
            module.add(sub)
    if chosen is None:
        parser.parse_args(argv)
        parser.print_help(sys.stderr)
        return 2
    args, rest = parser.parse_known_args(argv)
    prefix = "--config."
    args.overrides = [word.removeprefix(prefix) for word in rest if word.startswith(prefix)]
    unknown = [word for word in rest if not word.startswith(prefix) or chosen not in CONFIGURED]
    if unknown:
        options = [option for action in sub_actions(verbs.choices[chosen]) for option in action.option_strings]
        name = unknown[0].partition("=")[0]
        raise ValueError(f"{chosen} takes no {name!r}; it takes {', '.join(options)}{nearest(name, options)}")
    return module.run(args)


def sub_actions(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    return [action for action in parser._actions if action.option_strings]


if __name__ == "__main__":
    sys.exit(main())
