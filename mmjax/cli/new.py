"""mmjax new: a commented skeleton of an op and its test, which passes the contract of its folder at once."""

import argparse
import keyword
import re
from pathlib import Path

import jinja2

LONGEST = 80  # letters of a name
# Of each kind the folder, and the line of a config that names it.
KINDS = {
    "fusion": ("fusion", 'fusion=use("fusion.{name}", order=ORDER)'),
    "interaction": ("interaction", 'interactions=(use("interaction.{name}", order=ORDER),)'),
    "encoder": ("encoders", 'encoders={{"MODALITY": use("encoders.{name}", dim=64), ...}}'),
    "head": ("heads", 'head=use("heads.{name}", outputs=1)'),
}


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("kind", choices=KINDS, help="what it is: a fusion, an interaction, an encoder or a head")
    parser.add_argument("name", help="of its file, in snake_case; the class is called the same in CamelCase")


def run(args: argparse.Namespace) -> int:
    folder, line = KINDS[args.kind]
    for path in write(args.kind, args.name, Path(__file__).parents[2]):
        print(f"wrote {path}")
    print(f"in a config:  {line.format(name=args.name)}")
    print(f"test it:      python -m pytest tests/{folder} -k {args.name}")
    return 0


def write(kind: str, name: str, root: Path) -> tuple[Path, Path]:
    """Writes the file and its test into the checkout at `root`, and returns where they are.

    Raises:
        ValueError: the name is not snake_case, or is taken by something that every file of the kind imports.
        FileExistsError: there is such a file already.
        OSError: `root` is no checkout, or cannot be written.
    """
    if (
        len(name) > LONGEST
        or not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name)
        or {name, _camel(name)} & set(keyword.kwlist)
    ):
        raise ValueError(
            f"{name[: LONGEST + 1]!r} cannot name a file and its class; expected snake_case of at most {LONGEST} "
            f"letters, such as {_snake(name)[:LONGEST]!r}"
        )
    folder, _ = KINDS[kind]
    places = root / "mmjax" / folder / f"{name}.py", root / "tests" / folder / f"test_{name}.py"
    for path in places:
        if not path.parent.is_dir():
            raise FileNotFoundError(
                f"{root} is no checkout of mmjax, for it has no {path.parent.relative_to(root)}; clone the repository "
                "and install it by `pip install -e .`, then call its mmjax"
            )
        if path.exists():
            raise FileExistsError(f"{path} is there already; choose another name")
    texts = _texts(kind, name)
    written = []
    try:
        for path, text in zip(places, texts, strict=True):
            with path.open("x") as file:
                written.append(path)
                file.write(text)
    except OSError as error:
        for done in written:
            done.unlink()
        raise OSError(f"{path} cannot be written: {error.strerror}") from None
    return places


def _texts(kind: str, name: str) -> list[str]:
    cls = _camel(name)
    loader = jinja2.FileSystemLoader(Path(__file__).parent / "skeletons")
    skeletons = jinja2.Environment(loader=loader, undefined=jinja2.StrictUndefined, keep_trailing_newline=True)
    texts = [skeletons.get_template(f"{kind}{what}.py.j2").render(name=name, cls=cls) for what in ("", "_test")]
    if re.search(rf"^from (?!mmjax\.{KINDS[kind][0]}\.{name} ).* import .*\b{cls}\b", "\n".join(texts), re.MULTILINE):
        raise ValueError(f"{name!r} would be a class {cls}, which every {kind} imports from elsewhere; choose another")
    return texts


def _camel(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("_"))


def _snake(name: str) -> str:
    """A name that would do, near the given one."""
    words = re.findall(r"[a-z]+[a-z0-9]*", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower())
    found = "_".join(words)
    return found if found and not {found, _camel(found)} & set(keyword.kwlist) else f"{found or 'my'}_op"
