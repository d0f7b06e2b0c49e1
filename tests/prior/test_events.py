"""The score of splitting: 0 exactly where the event holds, the same at every scale, one number for nested events."""

import numpy as np
import pytest

from slt_bias.errors import InputError
from slt_bias.functions import Functions, parse
from slt_bias.prior._score_kernel import WRONG_ZERO
from slt_bias.prior.events import around

POINTS = 8
RNG = np.random.default_rng(0)
FUNCTION = parse("01101001")
GIVEN = np.array([True, True, True, False, False, False, False, False])


def rows(count=300):
    outputs = RNG.normal(size=(count, POINTS)).astype(np.float32)
    outputs[RNG.random((count, POINTS)) < 0.1] = 0.0  # dead points
    wanted = np.where(FUNCTION.values()[0], 1, -1)
    near = np.abs(outputs[: count // 2]) * wanted  # half of them nearly right
    flip = RNG.random(near.shape) < 0.1
    outputs[: count // 2] = np.where(flip, -near, near)
    return outputs


def plain(outputs, signs, radius):
    """The definition, one row at a time, in double precision."""
    z = outputs.astype(float)
    mean = np.abs(z).mean()
    violations = []
    for value, sign in zip(z, signs, strict=True):
        if sign > 0 and value <= 0:
            violations.append(-value / mean if value < 0 else (WRONG_ZERO if mean > 0 else 1.0))
        if sign < 0 and value > 0:
            violations.append(value / mean)
    return sum(sorted(violations)[: max(0, len(violations) - radius)])


@pytest.mark.parametrize("radius", [0, 1, 2, 4])
def test_definition(radius):
    outputs = rows()
    events = around(FUNCTION, (radius,))
    expected = [plain(row, events.signs[0], radius) for row in outputs]
    np.testing.assert_allclose(events.scores(outputs), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("given", [None, GIVEN])
def test_zero_exactly_where_events_hold(given):
    outputs = rows(2000)
    events = around(FUNCTION, (4, 2, 1, 0), given)
    holds = events.hold(Functions.from_values(outputs).packed)
    scores = events.scores(outputs)
    assert 0 < holds[:, -1].sum() < len(outputs)
    for event, target in enumerate(events.targets):
        np.testing.assert_array_equal(scores <= target, holds[:, event])
    errors = events.errors(Functions.from_values(outputs).packed)
    for event, target in enumerate(events.targets):
        np.testing.assert_array_equal(errors <= target, holds[:, event])


def test_scale_free_and_bounded():
    outputs = rows()
    events = around(FUNCTION)
    np.testing.assert_allclose(events.scores(outputs * np.float32(1e3)), events.scores(outputs), rtol=1e-5)
    assert events.scores(-np.abs(outputs) * np.where(FUNCTION.values()[0], 1, -1)).max() < 2 * POINTS  # all wrong


def test_all_units_dead_and_outputs_that_are_not_finite():
    events = around(FUNCTION)
    assert events.scores(np.zeros((1, POINTS)))[0] == FUNCTION.ones()[0]
    assert around(parse("00000000")).scores(np.zeros((1, POINTS)))[0] == 0
    assert np.isinf(events.scores(np.array([[np.nan] * POINTS, [np.inf] * POINTS]))).all()


def test_bad_radii():
    for radii in ((-1,), (8,), (1, 2), (1, 1)):
        with pytest.raises(InputError, match="errors"):
            around(FUNCTION, radii)
    with pytest.raises(InputError, match="2 functions"):
        around(parse(["01101001", "00000000"]))
