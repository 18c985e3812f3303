"""Configs as data and the objects that they describe.

`use("fusion.low_rank", rank=4)` is an `ml_collections.ConfigDict` with one reserved key; `build` imports
`mmjax.fusion.low_rank`, takes the class `LowRank` and gives it the fields, which it checks strictly; `describe` is the
inverse and writes out every default. There is no registry: a new file can be named at once.
"""

import dataclasses
import difflib
import importlib
import importlib.util
import math
import types
import typing
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import typeguard
from ml_collections import ConfigDict

USE = "use"


class ConfigError(ValueError):
    """A config that cannot be built; the message names the key, what is accepted and the nearest name."""


def use(path: str, /, **fields: Any) -> ConfigDict:
    """A node that names the class of `mmjax.<path>` and the fields to build it with."""
    if USE in fields:
        raise ConfigError(f"use({path!r}): no field may be called {USE!r}, the key that holds the path")
    return ConfigDict({USE: path, **fields}, convert_dict=False)


def experiment(**fields: Any) -> ConfigDict:
    """The root of a config; its keys are the fields of `train.experiment`."""
    return use("train.experiment", **fields)


def choose(variant: str, /, **variants: Any) -> Any:
    """What a config file holds for one of its variants.

    Raises:
        ConfigError: there is no such variant; those that there are are listed.
    """
    if variant not in variants:
        raise ConfigError(f"no variant {variant!r}; there are {', '.join(variants)}{nearest(variant, variants)}")
    return variants[variant]


def build(node: Any, key: str = "", hint: Any = None) -> Any:
    """The object a config node describes, depth first; lists become tuples, plain mappings dicts.

    Args:
        node: a node made by `use`, a container of nodes, or a plain value.
        key: where the node stands in its config, for messages.
        hint: the type wanted there; a plain mapping where a dataclass is wanted holds that dataclass's fields.

    Raises:
        ConfigError: an unknown module, an unknown, missing or ill-typed field, or a value the class refuses.
    """
    if isinstance(node, ConfigDict | Mapping):
        wanted = next((option for option in _options(hint) if dataclasses.is_dataclass(option)), None)
        if USE in node:
            return _construct(_locate(node[USE], key), node, key)
        if wanted:
            return _construct(wanted, node, key)
        return {name: build(node[name], _join(key, name)) for name in node}
    if isinstance(node, list | tuple):
        return tuple(build(item, f"{key}[{i}]") for i, item in enumerate(node))
    return node


def describe(value: Any) -> Any:
    """The config of a built object with all its defaults, in plain dicts, tuples, scalars; the inverse of `build`."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        cls = type(value)
        fields = {name: describe(getattr(value, name)) for name in accepted(cls)}
        path = cls.__module__.removeprefix("mmjax.")
        named = _class_name(path) == cls.__name__
        return {USE: path, **fields} if named else fields
    if isinstance(value, Mapping):
        return {name: describe(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return tuple(describe(item) for item in value)
    return value


def nearest(name: str, names: Iterable[str]) -> str:
    """`; did you mean 'x'?` where one of the names is near, else nothing."""
    close = difflib.get_close_matches(name, [str(other) for other in names], n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else ""


@cache
def locate(path: str) -> type:
    """The class that `use(path)` names: `fusion.low_rank` is `LowRank` of mmjax/fusion/low_rank.py."""
    files = _files()
    if path not in files:
        raise ConfigError(
            f"{path!r} names no file of the package, as 'fusion.concat' names mmjax/fusion/concat.py"
            f"{nearest(str(path), files)}"
        )
    name = _class_name(path)
    found = getattr(importlib.import_module(f"mmjax.{path}"), name, None)
    if not dataclasses.is_dataclass(found):
        raise ConfigError(f"{path!r} cannot be used: its file holds no dataclass {name}")
    return found


def accepted(cls: type) -> dict[str, dataclasses.Field]:
    """The fields a config may give to a class, by name."""
    fields = {f.name: f for f in dataclasses.fields(cls) if f.init}
    # Flax adds these two to every module; they say where it stands in another one.
    return {n: f for n, f in fields.items() if not ("parent" in fields and n in ("parent", "name"))}


def required(cls: type) -> list[str]:
    """Those of them that a config has to give."""
    nothing = dataclasses.MISSING
    return [name for name, field in accepted(cls).items() if field.default is field.default_factory is nothing]


def _locate(path: str, key: str) -> type:
    try:
        return locate(path)
    except ConfigError as error:
        raise ConfigError(f"{_join(key, USE)}: {error}") from None


def _construct(cls: type, node: Mapping[str, Any], key: str) -> Any:
    known, hints = accepted(cls), _hints(cls)
    where = f"{key} ({cls.__name__})" if key else cls.__name__
    for name in node:
        if name != USE and name not in known:
            raise ConfigError(
                f"{where} has no field {name!r}; it accepts {', '.join(sorted(known))}{nearest(name, known)}"
            )
    missing = [name for name in required(cls) if name not in node]
    if missing:
        raise ConfigError(f"{where} needs the field {missing[0]!r}; it accepts {', '.join(sorted(known))}")
    fields = {name: build(node[name], _join(key, name), hints[name]) for name in node if name != USE}
    for name, value in fields.items():
        _check_type(value, hints[name], _join(key, name))
    try:
        return cls(**fields)
    except (ValueError, TypeError, ArithmeticError) as error:
        raise ConfigError(f"{where}: {error}") from None


def _check_type(value: Any, hint: Any, key: str) -> None:
    entries = [typing.get_args(option)[1] for option in _options(hint) if typing.get_origin(option) is Mapping]
    if entries and isinstance(value, Mapping):
        for name, item in value.items():  # one by one, so that the wrong one is named
            _check_type(item, entries[0], _join(key, name))
    if isinstance(value, float) and not math.isfinite(value):
        raise ConfigError(f"{key} is {value}; expected a finite number")
    try:
        if _holds_bool(value) and not _takes_bool(hint):
            raise typeguard.TypeCheckError("holds a bool")
        typeguard.check_type(value, hint, collection_check_strategy=typeguard.CollectionCheckStrategy.ALL_ITEMS)
    except typeguard.TypeCheckError:
        plain = isinstance(hint, type) and not typing.get_args(hint)
        expected = hint.__name__ if plain else str(hint).replace("typing.", "")
        if typing.get_origin(hint) is typing.Literal:
            expected = f"one of {', '.join(map(repr, typing.get_args(hint)))}"
        given = repr(value) if len(repr(value)) < 80 else "a value"
        raise ConfigError(f"{key} is {given} of type {type(value).__name__}; expected {expected}") from None


def _options(hint: Any) -> tuple[Any, ...]:
    """The types that a union offers, or the one type."""
    return typing.get_args(hint) if typing.get_origin(hint) in (typing.Union, types.UnionType) else (hint,)


def _holds_bool(value: Any) -> bool:
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, tuple) else ()
    return isinstance(value, bool) or any(_holds_bool(item) for item in inside)


def _takes_bool(hint: Any) -> bool:
    # To Python a bool is an int, but a config that says heads=True is a mistake.
    parts = typing.get_args(hint)
    return any(map(_takes_bool, parts)) if parts else hint not in (int, float, str, types.NoneType, ...)


def _join(key: str, name: str) -> str:
    return f"{key}.{name}" if key else str(name)


def _class_name(path: str) -> str:
    return "".join(word.capitalize() for word in path.rsplit(".", 1)[-1].split("_"))


@cache
def _hints(cls: type) -> dict[str, Any]:
    return typing.get_type_hints(cls)


@cache
def _files() -> frozenset[str]:
    root = Path(__file__).parents[1]
    inside = (path.relative_to(root).with_suffix("") for path in root.glob("*/**/*.py"))
    return frozenset(".".join(path.parts) for path in inside if path.name != "__init__")
