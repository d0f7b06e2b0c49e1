"""P of a chosen function: against closed forms and counts, its intervals, balls and conditions, and what it refuses."""

import math

import numpy as np
import pytest
from scipy import stats

import slt_bias as sb
from slt_bias.errors import InputError, SpecError
from slt_bias.prior import clouds, probability
from slt_bias.prior.counting import count
from slt_bias.prior.events import around

UNIT = f"perceptron:inputs=2,weight_std={math.sqrt(2)!r},bias_std=1"
# closed form: the angle of the cone of weights, from the arcsines of the points' correlations
PERCEPTRON = {"0000": 0.27704336, "0001": 0.01462330, "0010": 0.03545664, "0011": 0.04787670, "0111": 1 / 24}


@pytest.mark.parametrize(("function", "truth"), PERCEPTRON.items())
@pytest.mark.parametrize("method", ["count", "splitting"])
def test_perceptron(function, truth, method):
    found = probability(UNIT, function, method=method, relative_error=0.03, confidence=0.9999, seed=3)
    assert found.low <= math.log2(truth) <= found.high
    assert abs(found.value - math.log2(truth)) < 4 * 0.03 / math.log(2)  # four times the standard error that was aimed at
    assert found.method == method and found.status == "ok"


def test_not_representable_is_proved():
    for spec in (UNIT, "perceptron:inputs=2,values=pm1"):
        found = probability(spec, "0110")
        assert found.value == found.high == -math.inf and found.method == "linear programme" and found.status == "ok"
        assert "not representable" in found.chosen_because
    assert probability("polynomial:inputs=3,degree=2,values=pm1", "parity").value == -math.inf
    assert math.isfinite(probability("polynomial:inputs=3,degree=2,values=pm1", "parity:bits=2").value)
    assert probability("perceptron:inputs=2,bias=false", "1000").method == "linear programme"  # at 00 the output is always 0


def test_walsh_null():
    null = sb.maps.parse("polynomial:degree=7,inputs=7,values=pm1")
    assert probability(null, "random").value == -128.0
    assert probability(null, "random").method == "closed form"
    small = sb.maps.parse("polynomial:degree=6,inputs=6,values=pm1")
    walked = probability(small, "random", method="splitting", relative_error=0.9, confidence=0.999, seed=1)
    assert walked.low <= -64 <= walked.high
    # 64 levels of 250 particles: log p has a standard deviation of .5 nats = .73 bits if they were independent; the run may
    # say up to four times that before it is suspect; t of 3 at 99.9 % is 12.9, over √4 replicates
    assert walked.high - walked.low < 2 * 12.9 * 4 * 0.73 / 2


def test_coverage():
    """200 runs on five maps, functions chosen beforehand, against closed forms and one against a count of ten million."""
    cases = {
        (UNIT, "0001"): math.log2(0.01462330),
        ("polynomial:degree=3,inputs=3,values=pm1", "01101000"): -8.0,
        ("polynomial:degree=4,inputs=4,values=pm1", "0110100011001010"): -16.0,
        ("layered:inputs=4", "0001000100010001"): float(
            sb.prior.closed_form(sb.maps.parse("layered:inputs=4"), "0001000100010001")
        ),
        ("mlp:hidden=5,inputs=2,values=pm1", "0011"): None,
    }
    held = 0
    for (spec, function), truth in cases.items():
        map = sb.maps.parse(spec)
        known = truth
        if known is None:  # relative error 1/√(2·10⁵): far below that of a run
            draws = count(map, around(sb.functions.parse(function, map.inputs)), 4_000_000, seed=99, workers=2)
            known = math.log2(draws.held[0] / draws.draws)
        for seed in range(40):
            run = probability(map, function, method="splitting", relative_error=0.9, seed=seed, workers=1)
            held += run.low <= known <= run.high
    low, high = stats.binom.interval(0.999, 200, 0.95)
    assert low <= held <= high


@pytest.mark.parametrize(
    "spec", ["mlp:hidden=6x6,inputs=3", "mlp:hidden=8,activation=tanh,law=uniform,inputs=3", "rnn:inputs=3", "tree:inputs=3",
             "mlp:hidden=5x5,inputs=3,layer_norm=true,activation=sin"]
)  # fmt: skip
def test_splitting_agrees_with_counting(spec):
    counted = probability(spec, "parity:bits=2", method="count", relative_error=0.1, confidence=0.999, seed=1)
    walked = probability(spec, "parity:bits=2", method="splitting", relative_error=0.6, confidence=0.999, seed=1)
    assert counted.low <= walked.high and walked.low <= counted.high
    assert counted.status == walked.status == "ok"


def test_moves_that_leave_the_law_are_found_out(monkeypatch):
    true_move = clouds.NetworkCloud.move

    def without_shrinking(self, level, spent):
        self.step = 0.3
        arguments = list(self.arguments)
        positions = self.positions.copy()
        share = true_move(self, level, spent)
        self.positions = (positions + 1.5 * (self.positions - positions)).astype(np.float32)  # overshoots: no law is kept
        from slt_bias.prior._network_moves_kernel import evaluate_normals

        evaluate_normals(self.positions, self.scores, *arguments)
        return share

    monkeypatch.setattr(clouds.NetworkCloud, "move", without_shrinking)
    walked = probability(UNIT, "0001", method="splitting", relative_error=0.05, confidence=0.999)
    assert not walked.low <= math.log2(PERCEPTRON["0001"]) <= walked.high or walked.status != "ok"


@pytest.mark.parametrize("method", ["count", "splitting"])
def test_balls_and_conditions(method):
    spec, given = "mlp:hidden=6x6,inputs=3", [0, 1, 2, 3]
    table = sb.functions.parse("parity:bits=2", 3)
    draws = count(sb.maps.parse(spec), around(table, (2, 1, 0)), 2_000_000, seed=50, workers=2)
    found = probability(spec, "parity:bits=2", errors=(0, 1, 2), method=method, relative_error=0.1, confidence=0.9999)
    assert set(found.balls) == {0, 1, 2} and found.balls[0].value == found.value
    for radius, held in zip((2, 1, 0), draws.held, strict=True):
        ball = found.balls[radius]
        slack = 4 / math.sqrt(held) / math.log(2)
        assert ball.low - slack <= math.log2(held / draws.draws) <= ball.high + slack
    mask = np.isin(np.arange(8), given)
    draws = count(sb.maps.parse(spec), around(table, (0,), mask), 2_000_000, seed=50, workers=2)
    conditional = probability(spec, "parity:bits=2", given=given, method=method, relative_error=0.1, confidence=0.9999)
    slack = 4 / math.sqrt(draws.held[1]) / math.log(2)
    assert conditional.low - slack <= math.log2(draws.held[1] / draws.held[0]) <= conditional.high + slack
    evidence = conditional.evidence
    assert evidence.low - slack <= math.log2(draws.held[0] / draws.draws) <= evidence.high + slack
    assert probability(spec, "parity:bits=2", given=mask, method=method, relative_error=0.1, confidence=0.9999) == conditional


def test_the_same_whatever_the_workers():
    for method in ("count", "splitting"):
        one = probability("mlp:hidden=5,inputs=3", "parity:bits=2", method=method, relative_error=0.5, workers=1, seed=4)
        two = probability("mlp:hidden=5,inputs=3", "parity:bits=2", method=method, relative_error=0.5, workers=2, seed=4)
        assert one == two
    other = probability("mlp:hidden=5,inputs=3", "parity:bits=2", method=method, relative_error=0.5, seed=5)
    assert other.value != one.value
    many = sb.prior.probabilities("mlp:hidden=5,inputs=3", ["parity:bits=2", "majority"], method="splitting", relative_error=0.5)
    assert many[0].value == probability("mlp:hidden=5,inputs=3", "parity:bits=2", method="splitting", relative_error=0.5).value
    assert len(many) == 2


def test_auto_says_what_it_chose():
    assert probability("uniform:inputs=3", "parity").method == "closed form"
    frequent = probability("mlp:inputs=3", "constant")
    assert frequent.method == "count" and "pilot" in frequent.chosen_because
    rare = probability("tree:inputs=4", "parity", relative_error=0.5)
    assert rare.method == "splitting" and "pilot" in rare.chosen_because
    inner = sb.maps.parse("scrambled:map=[layered:inputs=3]")
    asked = sb.functions.parse("01101001")
    assert probability(inner, asked).value == probability("layered:inputs=3", inner.unscramble(asked)).value


def test_a_budget_is_kept_and_said():
    for options in ({"budget_evaluations": 100_000}, {"budget_seconds": 0.5}):
        found = probability("mlp:inputs=7", "parity", method="splitting", **options)
        assert found.status == "suspect" and any("budget" in reason for reason in found.reasons)
        assert found.low == -math.inf and found.value <= found.high <= 0
        if "budget_evaluations" in options:
            assert found.evaluations <= 1.2 * 100_000
    counted = probability("mlp:inputs=7", "parity", method="count", budget_evaluations=20_000)
    assert counted.status == "suspect" and counted.evaluations <= 20_000
    assert -12.5 < counted.high < -11  # 3.7 / 18,000
    floor = probability("tree:inputs=4", "parity", method="splitting", relative_error=0.9, least_log2_probability=-10)
    assert floor.status == "suspect" and -12 < floor.high <= -8 and "least probability" in floor.reasons[0]


def test_maps_without_a_law_are_counted_only():
    import torch

    def factory():
        module = torch.nn.Linear(2, 1)
        module.weight.data = torch.rand(4).sort().values[:2].reshape(1, 2)  # a law of its own
        return module

    map = sb.maps.from_module(factory, inputs=2)
    assert probability(map, "constant", budget_evaluations=2000).method == "count"
    with pytest.raises(SpecError, match="count"):
        probability(map, "constant", method="splitting")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "magic"}, "splitting"),
        ({"relative_error": 0}, "relative_error"),
        ({"relative_error": "small"}, "relative_error"),
        ({"relative_error": math.nan}, "relative_error"),
        ({"confidence": 1}, "confidence"),
        ({"budget_evaluations": 1e400}, "budget_evaluations"),
        ({"budget_evaluations": 10.5}, "budget_evaluations"),
        ({"workers": "two"}, "workers"),
        ({"least_log2_probability": -math.inf}, "least_log2_probability"),
        ({"budget_seconds": -1}, "budget_seconds"),
        ({"errors": -1}, "errors"),
        ({"errors": 1.5}, "errors"),
        ({"errors": 8}, "errors"),
        ({"given": [8]}, "given"),
        ({"given": []}, "given"),
        ({"given": [True, False]}, "given"),
        ({"seed": -1}, "seed"),
        ({"seed": 1.5}, "seed"),
        ({"least_log2_probability": 3}, "least_log2_probability"),
        ({"method": "orthant", "errors": 1}, "orthant"),
    ],
)
def test_bad_input(options, message):
    with pytest.raises(InputError, match=message) as caught:
        probability("mlp:inputs=3", "parity", **options)
    assert "\n" not in str(caught.value)


def test_not_a_map_and_not_a_function():
    with pytest.raises(InputError, match="no map"):
        probability(3, "parity")
    with pytest.raises(InputError, match="points"):
        probability("mlp:inputs=3", "0110")
    with pytest.raises(InputError, match="functions"):
        probability("mlp:inputs=2", sb.functions.parse(["0110", "0000"]))


def test_what_is_halted_ends_at_its_next_move():
    from slt_bias.prior.question import question
    from slt_bias.prior.walked import by_splitting

    asked = question("mlp:inputs=7", "parity", 0, 0.1, "splitting", 0.95, None, None, None, 0, None, 1, False)
    asked.halted.set()
    found = by_splitting(asked, "")
    assert found.status == "suspect" and any("interrupted" in reason for reason in found.reasons)
    assert found.evaluations < 4 * 1000 * 25  # four replicates, the first draws and one group of moves each
