"""Statements about scattered items, in the wording of NLVR's training sentences: (text, program) by chance."""

from __future__ import annotations

import dataclasses

from mmjax.data.statements.box_contents import CONTENTS
from mmjax.data.statements.boxes import COLOURS, SHAPES, pick
from mmjax.data.statements.parts import Has
from mmjax.data.statements.programs import Agree, Both, Boxes, Count, Statement
from mmjax.data.statements.subjects import subject
from mmjax.data.statements.what import ANYTHING, NONE, Number, What, exactly
from mmjax.data.statements.wording import SIZE_WORDS, Writer, exact


def write(writer: Writer) -> tuple[str, Statement]:
    """A statement of one of the forms."""
    return pick(writer.rng, FORMS)(writer)


def count(writer: Writer) -> tuple[str, Statement]:
    """Such as "There are exactly two yellow circles not touching the edge"."""
    what = writer.what()
    told, number, many = writer.there()
    where = ""
    if writer.chance(0.75):
        where, what = writer.touching(what)
        where = " " + where
    if writer.chance(0.08):
        what = dataclasses.replace(what, size=SIZE_WORDS[writer.pick(*SIZE_WORDS)])
    return f"{told} {writer.name(what, many)}{where}", Count(what, number)


def two_counts(writer: Writer) -> tuple[str, Statement]:
    """Such as "There is 1 blue triangle and 1 blue square"."""
    first, second = writer.what(0.1, 0.3), writer.what(0.1, 0.3)
    (one, number, many), (other, more, others) = writer.amount(3), writer.amount(3)
    text = f"There {'are' if many else 'is'} {one} {writer.name(first, many)} and {other} {writer.name(second, others)}"
    return text, Both((Count(first, number), Count(second, more)))


def definite(writer: Writer) -> tuple[str, Statement]:
    """Such as "The black square is not touching the edge", "None of the blue triangles are touching the edge"."""
    what = writer.what(0.15)
    where, touching = writer.touching(what, only_any=True)
    if writer.chance(0.4):
        there = where.removeprefix("not ")
        on = dataclasses.replace(touching, off=False)
        every = writer.pick(("None of", NONE, on), ("All", NONE, dataclasses.replace(on, off=True)))
        return f"{every[0]} the {writer.name(what, True)} are {there}", Count(every[2], every[1])
    if writer.chance(0.5):
        return f"The {writer.name(what)} is {where}", Count(touching)
    words, number, many = writer.amount()
    return f"{words} {writer.name(what, many)} {'are' if many else 'is'} {where}", Count(touching, number)


def each(writer: Writer) -> tuple[str, Statement]:
    """Such as "There is at least 1 blue item in each box"."""
    what = writer.what(0.1, 0.6)
    words, number, many = writer.amount(2)
    text = f"There {'are' if many else 'is'} {words} {writer.name(what, many)} in each box"
    return text, Boxes((Has(what, number),), exactly(3))


def inside(writer: Writer) -> tuple[str, Statement]:
    """Such as "There are exactly three objects in one grey box", "... in a grey box of which one is a triangle"."""
    words, number, many = writer.amount(6)
    what, rest, parts = ANYTHING, "", ()
    if writer.chance(0.5):
        kind = writer.what(0.2)
        rest, parts = f" of which one is a {writer.name(kind)}", (Has(kind),)
    box = writer.pick("a grey box", "one grey box", "a box")
    text = f"There {'are' if many else 'is'} {words} {writer.name(what, many)} in {box}{rest}"
    return text, Boxes((Has(what, exact(words, number)), *parts))


def boxes(writer: Writer) -> tuple[str, Statement]:
    """Such as "There is a box with a yellow square and two blue items"."""
    told, number = subject(writer, towers=False)
    text, parts = pick(writer.rng, CONTENTS)(writer)
    if told.endswith("with") and writer.chance(0.03):
        what = writer.what(0.1)
        told, text, parts = told + "out", f"a {writer.name(what)}", (Has(what, NONE),)
    return f"{told} {text}", Boxes(parts, number)


def special(writer: Writer) -> tuple[str, Statement]:
    """Such as "There are two boxes that has the same number of objects"."""
    form, number = writer.pick(("", Number(2)), ("exactly ", exactly(2)), ("at least ", Number(2)))
    where, _ = writer.touching(ANYTHING, only_any=True)
    where = where.removeprefix("not ")
    colours = tuple(Count(What(colour, at=("any",))) for colour in COLOURS)
    shape, colour = pick(writer.rng, (None, *SHAPES)), writer.colour()
    base = What(colour, shape, at=("bottom",), other=True)
    return writer.pick(
        (f"There are {form}two boxes that has the same number of {writer.thing}s", Agree("number", number)),
        (f"The {writer.thing}s of all 3 {writer.color}s are {where}", Both(colours)),
        (
            f"There is a box with a {shape or writer.thing} touching the base which is not {colour}",
            Boxes((Has(base),)),
        ),
    )


FORMS = (*(count,) * 10, *(boxes,) * 16, *(definite,) * 2, two_counts, each, inside, special)
