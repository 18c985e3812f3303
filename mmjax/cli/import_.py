"""mmjax import: a public checkpoint as parameters of a config's model, in a folder that `init_from` takes."""

import argparse
import json
import os
import re
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mmjax.cli import config
from mmjax.cli.say import say
from mmjax.cli.train import alone, writable
from mmjax.core import paths
from mmjax.data.vocabulary import FILES as TOKENIZERS
from mmjax.train.checkpoint import FOLDER, Checkpoints, newest
from mmjax.train.experiment import Experiment
from mmjax.weights import beit3, bert, mapping, paligemma, t5, vit
from mmjax.weights.mapping import Layout, Row
from mmjax.weights.read import read

FAMILIES = {"t5": t5, "vit": vit, "bert": bert, "paligemma": paligemma, "beit3": beit3}
WORDS = "embed/embedding"
# Embeddings without a piece of the tokenizer's: sentinels, places in pictures, rows up to a round number.
SPARE = 2048


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("family", choices=FAMILIES, help="what the checkpoint is")
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="safetensors (or its index), npz, pth")
    parser.add_argument("--config", required=True, metavar="FILE.py[:VARIANT]", help="the model that takes the weights")
    parser.add_argument("--out", required=True, type=Path, help="the folder to fill; what it holds already stays")
    parser.add_argument(
        "--into", default=None, metavar="PART", help="what the model calls the encoder of a vit or bert: encoders_text"
    )
    parser.add_argument("--skip", default=None, metavar="REGEX", help="parameters to leave out: '^(embed|head)'")


def run(args: argparse.Namespace) -> int:
    experiment = config.load(args.config, args.overrides)
    writable(args.out, "--out")
    with alone(args.out, "--out"):
        _check_out(args.out)
        return _fill(experiment, args)


def _fill(experiment: Experiment, args: argparse.Namespace) -> int:
    fresh = _abstract(experiment)
    name = " ".join(map(str, args.files))
    arrays = read(args.files)
    try:
        model = getattr(experiment.task, "model", None)
        params, rows, layout = _import(arrays, args.family, fresh, _pattern(args.skip), args.into, model)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
    checkpoints = Checkpoints(args.out, keep=1, say=say, files=TOKENIZERS)
    words = _words(params)
    with tempfile.TemporaryDirectory(dir=args.out, prefix=".tokenizer.") as temporary:
        if words:
            _check_words(experiment, Path(temporary), words, len(params[words]))
            _check_same(Path(temporary), args.out, experiment.data.tokenizer.path)
        params = _before(checkpoints, args.out, fresh) | params
        missing = [path for path in fresh if path not in params]
        # All is right: only now is anything of it put where it would be found.
        if not missing:
            config.save(experiment, args.out)
        for path in Path(temporary).iterdir():
            os.replace(path, args.out / path.name)
    rows = [row for row in rows if row.done != "missing"]
    rows += [Row("", "missing", path, fresh[path].shape) for path in missing]
    _save(checkpoints, args.out, {path: np.asarray(value, fresh[path].dtype) for path, value in params.items()})
    _tell(rows)
    _tell_gelu(layout, experiment)
    _tell_heads(layout, experiment)
    say(_next(args.out, missing))
    done = {kind: sum(row.done == kind for row in rows) for kind in ("taken", "resized")}
    unused = [row.key for row in rows if row.done == "unused"]
    print(json.dumps({"layout": layout.name, **done, "unused": unused, "missing": missing, "out": str(args.out)}))
    return 0


def _import(
    arrays: Mapping[str, np.ndarray],
    family: str,
    fresh: Mapping[str, Any],
    skip: re.Pattern,
    into: str | None = None,
    model: Any = None,
) -> tuple[dict[str, np.ndarray], list[Row], Layout]:
    """The parameters that the family fills, the table, and the layout of the keys.

    Raises:
        ValueError: the checkpoint is of another family, or does not fit the model.
    """
    from mmjax.train.init_from import resize_table

    parts = _parts(family, fresh, into)
    wanted = {p: leaf.shape for p, leaf in fresh.items() if _under(p, parts) and not skip.search(p)}
    layout, root, found = mapping.recognise(arrays, FAMILIES[family].LAYOUTS)
    if not found:
        raise ValueError(f"no key is one of {family}: {_looks(arrays)}; expected {layout.name} or the like")
    if into is not None:
        found = {into + path.removeprefix(FAMILIES[family].PARTS[0]): source for path, source in found.items()}
    words = _words(found)
    there = arrays[found[words].key].shape if words in wanted else ()
    if there and there[0] != wanted[words][0]:
        count, part = there[0], words.removesuffix(WORDS)
        raise ValueError(
            f"it has {count:,} words, but the model a vocab of {wanted[words][0]:,}; set "
            f"{f'the vocab of {part[:-1]}' if part else 'task.model.vocab'} to {count} and data.tokenizer to the one "
            "that belongs to it"
        )
    here = {name for path, leaf in fresh.items() if _under(path, parts) for name in mapping.loop(path, leaf.shape)}
    # What is left out on purpose need not be there, nor what layers hold for a modality that the model has not.
    own = getattr(FAMILIES[family], "OWN", {})
    absent = [pattern for part, pattern in own.items() if not any(_under(path, [part]) for path in fresh)]
    here |= {path for path in found if any(re.search(pattern, path) for pattern in absent)}
    here |= {path for path in found if any(map(skip.search, (path, re.sub(r"/layers_\d+/", "/layers/", path))))}
    mapping.check_layers(arrays, layout, root, found, here)
    _check_heads({path: count for path, count in mapping.heads(arrays, found).items() if path in here}, model)
    heads = getattr(FAMILIES[family], "HEADS", ())
    wanted |= {p: fresh[p].shape for p in fresh if p in found and _under(p, heads) and not skip.search(p)}
    params, rows = mapping.place(arrays, found, wanted, resize_table)
    lacking = [row.path for row in rows if row.done == "missing"]
    if lacking:
        more = f" and {len(lacking) - 1} more" if len(lacking) > 1 else ""
        raise ValueError(
            f"nothing there is {lacking[0]!r}{more}: {_looks(arrays)}; make the model like it, or leave parameters out "
            "by --skip=REGEX"
        )
    return params, rows, layout


def _parts(family: str, fresh: Mapping[str, Any], into: str | None) -> Sequence[str]:
    """The parts of the model that the family fills.

    Raises:
        ValueError: the family fills several, or the model has none of that name.
    """
    parts = FAMILIES[family].PARTS
    if into is not None and len(parts) > 1:
        raise ValueError(f"--into={into} is for encoders alone (vit, bert), but {family} fills {', '.join(parts)}")
    parts = parts if into is None else (into,)
    if not any(_under(path, parts) for path in fresh):
        there = ", ".join(sorted({path.split("/")[0] for path in fresh}))
        raise ValueError(f"the model has no {' or '.join(parts)}, but {there}; name an encoder by --into=PART")
    return parts


def _check_heads(counts: Mapping[str, int], model: Any) -> None:
    """That the model has as many attention heads as the arrays by which they can be counted.

    Raises:
        ValueError: it has more or fewer, which no shape would tell.
    """
    for path, count in counts.items():
        part = path.split("/")[0]
        module = getattr(model, part, None) or getattr(model, "encoders", {}).get(part.removeprefix("encoders_"))
        heads = getattr(module, "heads", None)
        if heads not in (None, count):
            raise ValueError(f"its {path!r} has {count} heads, but {part} of the model {heads}; make them {count}")


def _under(path: str, parts: Iterable[str]) -> bool:
    return any(path.startswith(f"{part}/") or path == part for part in parts)


def _words(found: Iterable[str]) -> str | None:
    """The path of the words' embeddings, if it is among these."""
    return next((path for path in found if path == WORDS or path.endswith(f"/{WORDS}")), None)


def _looks(arrays: Mapping[str, np.ndarray]) -> str:
    """What the keys of a checkpoint look like."""
    layout, _, found = mapping.recognise(arrays, [layout for family in FAMILIES.values() for layout in family.LAYOUTS])
    known = len({source.key for source in found.values()})
    keys = f"{len(arrays)} keys such as {next(iter(arrays), '')!r}"
    return f"{known} of its {keys} look like {layout.name}" if known else f"its {keys} look like nothing known"


def _pattern(skip: str | None) -> re.Pattern:
    try:
        return re.compile(r"(?!)" if skip is None else skip)
    except re.error as error:
        raise ValueError(f"--skip={skip} is no regular expression: {error}") from None


def _abstract(experiment: Experiment) -> dict[str, Any]:
    """The shapes and types of the model's parameters by path; no data set has to be there."""
    import jax

    params, _ = jax.eval_shape(experiment.task.init, jax.random.key(0), experiment.data.blank())
    return paths.flatten(params)


def _check_words(experiment: Experiment, folder: Path, words: str, count: int) -> None:
    """That the config's tokenizer may be the checkpoint's; its file is put into an empty folder.

    Raises:
        ValueError: it is learnt from the data, or its size is another.
    """
    tokenizer = getattr(experiment.data, "tokenizer", None)
    if not hasattr(tokenizer, "path"):
        skip = "^(embed|head)" if words == WORDS else f"^{words.rpartition('/')[0]}"
        raise ValueError(
            "data.tokenizer is learnt from the data, so its ids are other words than the checkpoint's; use "
            "data.sentence_piece or data.tokenizer_file with the checkpoint's own file, or leave the words out by "
            f"--skip='{skip}'"
        )
    pieces = tokenizer.open(folder, lambda: iter(())).count
    if not count - SPARE <= pieces <= count:
        raise ValueError(
            f"{tokenizer.path} has {pieces:,} pieces, but the checkpoint {count:,} words; give data.tokenizer the file "
            "that belongs to the checkpoint"
        )


def _check_same(folder: Path, out: Path, path: str) -> None:
    """That words which an earlier import has put into `out` were of the same tokenizer.

    What a folder without a checkpoint holds belongs to none, and is replaced.

    Raises:
        ValueError: they were of another.
    """
    held = [out / name for name in TOKENIZERS if (out / name).exists()] if newest(out) is not None else []
    for file in held:
        fresh = folder / file.name
        if not fresh.exists() or fresh.read_bytes() != file.read_bytes():
            raise ValueError(
                f"--out={out} holds {file.name} of an earlier import, which is another tokenizer than {path}; give "
                "data.tokenizer that one, or choose another folder"
            )


def _check_out(out: Path) -> None:
    """Raises ValueError where the folder is a training run's: its checkpoints would make room for the import's."""
    if (out / "metrics.jsonl").exists() or any((out / FOLDER).glob("*/optimizer")):
        raise ValueError(f"--out={out} is the folder of a training run, which an import would end; choose another")


def _before(checkpoints: Checkpoints, out: Path, fresh: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """What an earlier import has put into the folder.

    Raises:
        ValueError: it is of another model.
    """
    if newest(out) is None:
        return {}
    held = paths.flatten(checkpoints.load()[1]["params"])
    other = [path for path, value in held.items() if path not in fresh or fresh[path].shape != value.shape]
    if other:
        raise ValueError(f"--out={out} holds parameters of another model, such as {other[0]!r}; choose another folder")
    return held


def _save(checkpoints: Checkpoints, out: Path, params: Mapping[str, np.ndarray]) -> None:
    """The next checkpoint of the folder, of parameters alone."""
    import jax

    from mmjax.train.state import State

    number = np.int32(0 if newest(out) is None else newest(out) + 1)
    key = np.asarray(jax.random.key_data(jax.random.key(0)))
    nothing = argparse.Namespace(chain={}, average=None)
    state = State(number, key, paths.unflatten(params), nothing, {}, np.int32(0), np.int32(0))
    checkpoints.save(state, position=0)
    checkpoints.wait()
    checkpoints.close()


def _tell(rows: Sequence[Row]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for title in ("key", "shape", "", "parameter"):
        table.add_column(title, overflow="fold")
    for row in rows:
        table.add_row(row.key, " ".join(map(str, row.shape)), row.done, row.path)
    Console(file=sys.stderr, width=None if sys.stderr.isatty() else 200, markup=False, highlight=False).print(table)


def _tell_gelu(layout: Layout, experiment: Experiment) -> None:
    """Says where the model's vision transformer has another form of GELU than those of the layout; no key tells it."""
    image = getattr(getattr(experiment.task, "model", None), "image", None)
    here, form = getattr(image, "approximate", None), {True: "the tanh form of GELU", False: "the exact GELU"}
    if None not in (here, layout.approximate) and here != layout.approximate:
        say(
            f"{layout.name} has {form[layout.approximate]} as a rule, but the model {form[here]}; unless this one "
            f"differs, add --config.task.model.image.approximate={layout.approximate} here and in training"
        )


def _tell_heads(layout: Layout, experiment: Experiment) -> None:
    """Says where the model's layers have heads of another width than all that were published; no key tells it."""
    model = getattr(experiment.task, "model", None)
    heads = getattr(next(iter(getattr(model, "interactions", ())), None), "heads", None)
    dim = getattr(next(iter(getattr(model, "encoders", {}).values()), None), "dim", None)
    if None in (layout.head_dim, heads, dim) or dim % layout.head_dim or dim == heads * layout.head_dim:
        return
    say(
        f"{layout.name} has heads of width {layout.head_dim} as a rule, but the model {heads} of width {dim // heads}; "
        f"unless this one differs, make them {dim // layout.head_dim}"
    )


def _next(out: Path, missing: Iterable[str]) -> str:
    """How to go on from the folder."""
    parts = sorted({path.split("/")[0] for path in missing})
    if not parts:
        return f"{out} holds the whole model: predict with --workdir={out}, or train with --config.init_from={out}"
    rules = f"--config.init_from.workdir={out} --config.init_from.rules='((\"^({'|'.join(parts)})(/|$)\", None),)'"
    return f"start from it, what is missing fresh, by {rules}"
