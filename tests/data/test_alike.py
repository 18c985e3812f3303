"""What is joined by something shared, against searching from each member."""

import numpy as np

from mmjax.data.alike import together


def test_each_member_is_named_by_the_smallest_that_it_can_reach():
    rng = np.random.default_rng(0)
    groups = [[str(one) for one in rng.integers(100, 160, size)] for size in rng.integers(1, 4, 40)]
    found = together(groups)
    assert set(found) == {one for group in groups for one in group}
    for start in found:
        reached, before = {start}, set()
        while reached != before:
            before = set(reached)
            reached |= {one for group in groups if reached & set(group) for one in group}
        assert found[start] == min(reached)
    assert 1 < len(set(found.values())) < len(found)
