"""What can be said about a scene: its caption, and questions with their answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from mmjax.data.scene import COLOURS, LABELS, SHAPES, Scene, Thing

NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
SHAPE = ("which shape is {}?", "what is the {} thing in the picture?")
COLOUR = ("which color has the {}?", "what color does the {} have?")
THERE = ("can you see {}?", "does the image show {}?", "is {} in the picture?", "does the picture contain {}?")
NOT_THERE = (
    "is the image without {}?",
    "does the picture not contain {}?",
    "is not {} to be seen?",
    "is {} not in the picture?",
)
OPPOSITE = {"left of": "right of", "right of": "left of", "above": "below", "below": "above"}
Asked = tuple[str, str]


def caption(scene: Scene) -> str:
    """One sentence that is a function of the scene alone: "a red circle above a gray ring and the word farm"."""
    things = [a(thing.label) for thing in scene.things]
    said = f" {relation(*scene.things)} ".join(things) if len(things) == 2 else listed(things)
    words = [word.text for word in scene.words]
    return said + (f" and the word{'s' * (len(words) > 1)} {listed(words)}" if words else "")


def questions(scene: Scene, count: int, rng: np.random.Generator) -> list[Asked]:
    """`count` different questions of mixed kinds with their answers; yes and no are equally frequent."""
    found: dict[str, str] = {}
    while len(found) < count:
        kind = KINDS[rng.integers(len(KINDS))]
        found.update(kind(scene, rng))
    return list(found.items())[:count]


def listed(items: list[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    return " and ".join([", ".join(items[:-1]), items[-1]] if len(items) > 1 else items)


def relation(one: Thing, other: Thing) -> str:
    """Where one thing is, seen from another, along the axis on which they are farther apart."""
    down, across = (a - b for a, b in zip(one.centre, other.centre, strict=True))
    if abs(across) >= abs(down):
        return "left of" if across < 0 else "right of"
    return "above" if down < 0 else "below"


def matches(scene: Scene, name: str) -> list[Thing]:
    """The things that a name fits: "circle", "red shape", "red circle"."""
    words = name.removesuffix(" shape").split()
    return [thing for thing in scene.things if set(words) <= {thing.shape, thing.colour}]


def which_shape(scene: Scene, rng: np.random.Generator) -> Iterator[Asked]:
    """What shape the one thing of a colour has."""
    for thing in shuffled(scene.things, rng):
        if len(matches(scene, f"{thing.colour} shape")) == 1:
            yield pick(SHAPE, rng).format(thing.colour), thing.shape
            return


def which_colour(scene: Scene, rng: np.random.Generator) -> Iterator[Asked]:
    """What colour the one thing of a shape has."""
    for thing in shuffled(scene.things, rng):
        if len(matches(scene, thing.shape)) == 1:
            yield pick(COLOUR, rng).format(thing.shape), thing.colour
            return


def how_many(scene: Scene, rng: np.random.Generator) -> Iterator[Asked]:
    """How many things there are of a kind, or in all."""
    name = pick(("shape", pick(SHAPES, rng), f"{pick(tuple(COLOURS), rng)} shape"), rng)
    count = len(scene.things) if name == "shape" else len(matches(scene, name))
    yield f"how many {plural(name)} are in the image?", NUMBERS[count]


def is_there(scene: Scene, rng: np.random.Generator) -> Iterator[Asked]:
    """About something that is there or is not, with equal probability, asked plainly or with a not."""
    there, plain = rng.random(2) < 0.5
    if there:
        thing = pick(scene.things, rng)
        name = pick((thing.shape, f"{thing.colour} shape", thing.label), rng)
    else:
        names = (*SHAPES, *(f"{colour} shape" for colour in COLOURS), *(pick(LABELS, rng) for _ in range(12)))
        name = pick(tuple(name for name in names if not matches(scene, name)), rng)
    yield pick(THERE if plain else NOT_THERE, rng).format(a(name)), "yes" if there == plain else "no"


def is_so(scene: Scene, rng: np.random.Generator) -> Iterator[Asked]:
    """Whether one thing stands so to another."""
    if len(scene.things) > 1:
        one, other = shuffled(scene.things, rng)[:2]
        right = rng.random() < 0.5
        said = relation(one, other)
        yield f"is the {one.label} {said if right else OPPOSITE[said]} the {other.label}?", "yes" if right else "no"


def which_size(scene: Scene, rng: np.random.Generator) -> Iterator[Asked]:
    """How large a thing is."""
    thing = pick(scene.things, rng)
    yield f"is the {thing.label} large or small?", thing.size


def which_word(scene: Scene, rng: np.random.Generator) -> Iterator[Asked]:
    """What is written, where it is one word."""
    if len(scene.words) == 1:
        yield "which word is written in the image?", scene.words[0].text


KINDS: tuple[Callable[[Scene, np.random.Generator], Iterator[Asked]], ...] = (
    which_shape,
    which_colour,
    how_many,
    is_there,
    is_there,
    is_so,
    which_size,
    which_word,
)


def a(name: str) -> str:
    """ "a circle", "an orange shape"."""
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def plural(name: str) -> str:
    """ "crosses", "red shapes"."""
    return f"{name}es" if name.endswith("s") else f"{name}s"


def pick(items, rng: np.random.Generator):
    """One of a tuple."""
    return items[rng.integers(len(items))]


def shuffled(items, rng: np.random.Generator) -> list:
    """All of a tuple in another order."""
    return [items[place] for place in rng.permutation(len(items))]
