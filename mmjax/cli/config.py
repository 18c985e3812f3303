"""Configs from files and from run folders, with overrides: `--config=FILE.py[:variant] --config.key=value`."""

import ast
import importlib.util
import json
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from mmjax.core import paths
from mmjax.core.build import USE, ConfigError, accepted, build, describe, locate, nearest, required
from mmjax.data.vocabulary import READ
from mmjax.train.checkpoint import newest
from mmjax.train.experiment import Experiment

FILE = "config.json"
# What may change between a run and its resumption: none of it changes what is computed, but for rounding.
FREE = ("partition", "log", "evaluate", "checkpoint", "guard", "frozen_fresh")
FREE += ("data.data_dir", "data.threads", "data.prefetch", "data.cache")


def load(spec: str, overrides: Iterable[str] = ()) -> Experiment:
    """The experiment of `FILE.py[:variant]` with `key=value` overrides.

    Raises:
        ConfigError: the file, the variant, a key or a value is not what is expected; the message names it.
    """
    name, _, variant = spec.partition(":")
    get_config = _get_config(Path(name))
    try:
        config = describe(_built(get_config(variant) if variant else get_config()))
    except ConfigError as error:
        raise ConfigError(f"{name}: {error}") from None
    except (Exception, SystemExit) as error:
        raise ConfigError(f"{name} cannot be read: {type(error).__name__}: {error}") from error
    return _with(config, overrides)


def load_run(workdir: Path, overrides: Iterable[str] = ()) -> Experiment:
    """The experiment of a run folder, from its config.json alone.

    Raises:
        ConfigError: there is no such file, or it does not fit this version.
    """
    saved = workdir / FILE
    if not saved.is_file():
        raise ConfigError(f"{workdir} is no run folder: it has no {FILE}; expected what `mmjax train` has filled")
    config = _saved(saved)
    try:
        _built(config)
    except ConfigError as error:
        raise ConfigError(f"{saved}: {error}") from None
    return _with(config, overrides)


def save(experiment: Experiment, workdir: Path) -> None:
    """Writes config.json, with every default, into a run folder that is new or was made by the same config.

    A folder without a checkpoint holds nothing that another config could spoil: it may be used again, and what was
    fitted there is fitted anew, since the data may have been built anew too.

    Raises:
        ConfigError: the folder was made by another config, whose keys that differ are named, or by one that is gone.
    """
    text = json.dumps(describe(experiment), indent=2) + "\n"
    saved = workdir / FILE
    if saved.is_file():
        different = [key for key in differences(_saved(saved), json.loads(text)) if _fixed(key)]
        if different and newest(workdir) is not None:
            raise ConfigError(
                f"{workdir} was made by another config, which differs in {', '.join(different)}; choose another "
                "--workdir, or give the config that made it"
            )
        if newest(workdir) is None:
            for name in READ:
                (workdir / name).unlink(missing_ok=True)
    elif newest(workdir) is not None:
        raise ConfigError(
            f"{workdir} holds checkpoints but no {FILE}, so that nobody can tell what they are of; put it back, or "
            "choose another --workdir"
        )
    part = saved.with_suffix(".part")
    part.write_text(text)
    part.replace(saved)


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """The keys whose values differ, with dots between their parts."""
    flat_old, flat_new = paths.flatten(old), paths.flatten(new)
    nothing = object()
    keys = [key for key in flat_old | flat_new if flat_old.get(key, nothing) != flat_new.get(key, nothing)]
    return sorted(key.replace("/", ".") for key in keys)


def _fixed(key: str) -> bool:
    return not any(key == free or key.startswith(f"{free}.") for free in FREE)


def _saved(file: Path) -> dict[str, Any]:
    try:
        config = json.loads(file.read_text())
    except ValueError as error:
        raise ConfigError(f"{file} is damaged ({error}); put back the config.json that the run began with") from None
    if not isinstance(config, dict):
        raise ConfigError(f"{file} is damaged (it is no object); put back the config.json that the run began with")
    return config


def _built(config: Any) -> Experiment:
    experiment = build(config, hint=Experiment)
    if not isinstance(experiment, Experiment):
        raise ConfigError(f"the config is {experiment!r:.60}; expected get_config to return experiment(task=..., ...)")
    return experiment


def _get_config(file: Path) -> Callable[..., Any]:
    if file.is_dir():
        raise ConfigError(f"--config={file}: a folder; expected FILE.py[:VARIANT]")
    if not file.is_file():
        near = sorted(str(path) for path in file.parent.glob("*.py")) if file.parent.is_dir() else []
        raise ConfigError(f"--config={file}: there is no such file{nearest(str(file), near)}")
    spec = importlib.util.spec_from_file_location(f"config_{file.stem}", file)
    if spec is None or spec.loader is None:
        raise ConfigError(f"--config={file} is no Python file; expected one that defines get_config(variant)")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except SyntaxError as error:
        raise ConfigError(f"{file}:{error.lineno}: {error.msg}") from error
    except (Exception, SystemExit) as error:
        raise ConfigError(f"{file} cannot be read: {type(error).__name__}: {error}") from error
    if not hasattr(module, "get_config"):
        raise ConfigError(f"{file} defines no get_config(variant), which is what --config reads")
    return module.get_config


def _with(config: dict[str, Any], overrides: Iterable[str]) -> Experiment:
    """The experiment of a config that is right, with `key=value` overrides.

    Raises:
        ConfigError: they are wrong; those that may be are named.
    """
    overrides = tuple(overrides)
    for override in overrides:
        key, equals, text = override.partition("=")
        if not equals:
            raise ConfigError(f"--config.{key} has no value; expected --config.{key}=VALUE")
        config = _set(config, key.split("."), _value(text, key), key)
    try:
        return _built(config)
    except ConfigError as error:
        wrong = str(error).split(" ")[0]
        keys = {override: override.partition("=")[0] for override in overrides}
        near = [o for o, key in keys.items() if f"{key}.".startswith(f"{wrong}.") or f"{wrong}.".startswith(f"{key}.")]
        told = [o for o, key in keys.items() if re.search(rf"\b{re.escape(key)}\b", str(error))]
        raise ConfigError(f"{' '.join(f'--config.{one}' for one in near or told or overrides)}: {error}") from None


def _set(node: Any, names: list[str], value: Any, key: str) -> Any:
    """The node with the value at names[0].names[1]. ...

    A new `use` keeps of the class before what it cannot do without, such as a width, and drops its other fields, whose
    defaults may be others.
    """
    name, *rest = names
    if isinstance(node, list | tuple) and name.isdigit() and int(name) < len(node):
        return tuple(
            _set(item, rest, value, key) if rest and i == int(name) else value if i == int(name) else item
            for i, item in enumerate(node)
        )
    if node is None:
        node = {}  # the fields of a dataclass that is not there yet, such as init_from
    if isinstance(node, list | tuple):
        raise ConfigError(f"--config.{key}: {name!r} is none of the places 0 to {len(node) - 1} there")
    if not isinstance(node, Mapping):
        raise ConfigError(f"--config.{key}: there is nothing below {node!r} that {name!r} could name")
    if name == USE:
        return {USE: value, **{one: node[one] for one in _required(value) if one in node}}
    known = accepted(locate(node[USE])) if USE in node else node
    if name not in known and (rest or USE in node):
        raise ConfigError(
            f"--config.{key}: no key {name!r} there; it has {', '.join(sorted(known))}{nearest(name, known)}"
        )
    return {**node, name: _set(node.get(name), rest, value, key) if rest else value}


def _required(path: Any) -> list[str]:
    try:
        return required(locate(path))
    except (ConfigError, AttributeError):  # building it says what is wrong with the name
        return []


def _value(text: str, key: str) -> Any:
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
    if isinstance(value, str) and text.lstrip().startswith("("):
        raise ConfigError(f"--config.{key}={text} is a text and no list, which for one item is written ({value!r},)")
    return value
