"""The protocol of tasks and the context of a call."""

import jax
import pytest

from mmjax.core.task import Ctx, Task
from mmjax.optim.group import Group
from mmjax.tasks.generate import Generate


def test_a_task_is_recognised_by_what_it_offers():
    assert isinstance(Generate(model=None, length=2), Task)
    assert not isinstance(Group(), Task)


def test_the_key_of_a_context_is_traced_while_mode_and_axis_are_known_when_tracing():
    seen = []

    @jax.jit
    def draw(ctx):
        seen.append((ctx.train, ctx.axis))
        return jax.random.normal(ctx.key)

    first = draw(Ctx(jax.random.key(0), train=True))
    assert draw(Ctx(jax.random.key(1), train=True)) != first
    assert draw(Ctx(jax.random.key(0), train=False)) == first
    assert draw(Ctx(jax.random.key(0), train=False, axis="device")) == first
    assert seen == [(True, None), (False, None), (False, "device")]
    with pytest.raises(AttributeError):
        Ctx(jax.random.key(0), train=True).train = False
