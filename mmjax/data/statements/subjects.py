"""How statements about boxes or towers begin: "There are exactly two towers with", "One of the grey box has"."""

from __future__ import annotations

from mmjax.data.statements.what import NONE, Number, exactly
from mmjax.data.statements.wording import Writer

PLAIN = ("There is a {box} {verb}", "There is at least one {box} {verb}", "there is one {box} {verb}")
GREY = (
    "One of the grey {box} {has}",
    "one of the grey square {has}",
    "at least one grey {box} {has}",
    "There is a grey {box} {verb}",
)
TOWER = (
    "There is at least one {box} {verb}",
    "One {box} {has}",
    "one of the {box} {has}",
    "One of the three {box}s {has}",
)


def subject(writer: Writer, towers: bool) -> tuple[str, Number]:
    """(the words up to "with", of how many boxes what follows holds)."""
    box = "tower" if towers else "box"
    if writer.chance(0.12):
        return all_or_none(writer, box)
    if writer.chance(0.3):
        return several(writer, box)
    forms = PLAIN[:1] * 5 + PLAIN + (TOWER if towers else (*GREY, "One {box} {has}"))
    if writer.digits:
        forms = ("There is 1 {box} {verb}", "There is at least 1 {box} {verb}", "There is a {box} {verb}")
    verb = writer.pick("with", "with", "with", "that has", "which has") if not writer.digits else "with"
    text = writer.pick(*forms).format(box=box, verb=verb, has=writer.pick("has", "has", "contains"))
    return text, Number()


def all_or_none(writer: Writer, box: str) -> tuple[str, Number]:
    if writer.chance(0.4):
        return f"There is no {box} with", NONE
    each = f"Each {writer.pick('box', 'grey square')} has" if box == "box" else "Each tower has"
    everyone = f"All the {box}{'es' if box == 'box' else 's'} have"
    return writer.pick(each, everyone, each), exactly(3)


def several(writer: Writer, box: str) -> tuple[str, Number]:
    """Exactly one, or two."""
    if writer.chance(0.45):
        form = writer.pick("exactly", "exactly", "only")
        verb = writer.pick("with", "with", "with", "which has")
        return f"There is {form} {'1' if writer.digits else 'one'} {box} {verb}", exactly(1)
    form = writer.pick("", "", "exactly", "exactly", "at least", "only")
    verb = writer.pick("with", "with", "with", "that have", "which has", "that has")
    boxes = writer.pick("boxes", "boxes", "boxes", "squares", "grey squares") if box == "box" else "towers"
    text = " ".join(f"There are {form} {writer.digit(2)} {boxes} {verb}".split())
    return text, exactly(2) if form in ("exactly", "only") else Number(2)
