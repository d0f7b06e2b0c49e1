"""The catalogue of simple functions: formulas and programs against tables, sizes against exact ones, and bad input."""

import builtins
import collections
import math
from dataclasses import replace

import numpy as np
import pytest

from slt_bias.complexity import formula as exact_formula
from slt_bias.errors import InputError
from slt_bias.functions import from_rows, grid, hypercube, named
from slt_bias.functions.catalogue import Reference, reference_functions
from slt_bias.functions.catalogue.automata import TAPS
from slt_bias.functions.catalogue.division import Divisions
from slt_bias.functions.catalogue.expansion import expansions
from slt_bias.functions.catalogue.expression import (
    And,
    Constant,
    If,
    Input,
    Not,
    Or,
    Xor,
    depth,
    evaluate,
    leaves,
    parts,
)
from slt_bias.functions.catalogue.gate_sets import write
from slt_bias.functions.catalogue.reference import deflated_bits
from slt_bias.maps.programs import PROGRAMS, description_bits

COUNTS = {3: 61, 4: 116, 5: 134, 6: 148, 7: 156}


def text(values):
    return "".join("01"[int(value)] for value in values)


def run(program, n):
    space = {}
    exec(program, space)
    return text(space["f"](x, n) for x in range(2**n))


def faults(reference, n):
    """What of a reference function does not hold together."""
    found = []
    if text(evaluate(reference.formula_and_or, n)) != reference.table:
        found.append("formula over AND and OR")
    if text(evaluate(reference.formula_all_gates, n)) != reference.table:
        found.append("formula over all gates")
    if reference.loop_program is not None and run(reference.loop_program, n) != reference.table:
        found.append("loop program")
    return found


def gates_of(expression):
    yield expression
    for part in parts(expression):
        yield from gates_of(part)


@pytest.mark.parametrize("n", COUNTS)
def test_formulas_and_programs_compute_the_tables(n):
    for reference in reference_functions(n):
        assert faults(reference, n) == [], reference.name


def test_a_broken_formula_or_program_is_noticed():
    parity = next(r for r in reference_functions(7) if r.name == "parity of 3")
    wrong = Input(0) ^ Input(1) | Input(2)
    assert faults(replace(parity, formula_and_or=wrong), 7) == ["formula over AND and OR"]
    assert faults(replace(parity, formula_all_gates=wrong), 7) == ["formula over all gates"]
    rule = next(r for r in reference_functions(7) if r.name == "rule 110, 3 steps")
    assert faults(replace(rule, loop_program=rule.loop_program.replace("range(3)", "range(2)")), 7) == ["loop program"]
    assert faults(replace(rule, loop_program=rule.loop_program.replace("110", "30")), 7) == ["loop program"]


@pytest.mark.parametrize("n", (5, 7))
def test_formulas_keep_to_their_gates_and_negate_inputs_only(n):
    for reference in reference_functions(n):
        for expression, allowed in (
            (reference.formula_and_or, (Constant, Input, Not, And, Or)),
            (reference.formula_all_gates, (Constant, Input, Not, And, Or, Xor)),
        ):
            for gate in gates_of(expression):
                assert isinstance(gate, allowed), reference.name
                assert not isinstance(gate, Not) or isinstance(gate.of, Input), reference.name
                assert not isinstance(gate, Constant) or gate is expression, reference.name
        assert reference.leaves_and_or == sum(isinstance(gate, Input) for gate in gates_of(reference.formula_and_or))
        assert reference.leaves_all_gates <= reference.leaves_and_or
        assert reference.depth <= max(0, reference.leaves_all_gates - 1)


@pytest.mark.parametrize("n", COUNTS)
def test_every_function_stands_once(n):
    references = reference_functions(n)
    assert len(references) == COUNTS[n]
    assert len({r.name for r in references}) == len(references)
    assert all(len(r.name) <= 34 and r.description and len(r.table) == 2**n for r in references)
    tables = [r.table for r in references if r.family != "constant"]
    negations = {table.translate(str.maketrans("01", "10")) for table in tables}
    assert len(set(tables) | negations) == 2 * len(tables)
    assert [r.table for r in references if r.family == "constant"] == ["0" * 2**n, "1" * 2**n]


def test_the_documented_families_at_seven_inputs():
    import slt_bias.functions.catalogue as package

    found = collections.Counter(r.family for r in reference_functions(7))
    assert "61, 116,\n134, 148, 156, 161, 168 and 173" in package.__doc__
    assert all(f"{family} {count}" in package.__doc__ for family, count in found.items())
    assert sum(found.values()) == 156 and len(found) == 16


def halves(x):
    return int(x[:3], 2), int(x[4:], 2)


DEFINITIONS = {
    "x2 xor x5": lambda x: x[2] != x[5],
    "x0 implies x1": lambda x: x[0] <= x[1],
    "parity of last 4": lambda x: x[3:].count("1") % 2,
    "parity of spread 4": lambda x: (x[0] + x[2] + x[4] + x[6]).count("1") % 2,
    "majority of last 5": lambda x: x[2:].count("1") > 2,
    "at least 3 of 7": lambda x: x.count("1") >= 3,
    "ones mod 4 > 1": lambda x: x.count("1") in (2, 3, 6, 7),
    "x0, x1 choose x2, x3, x4, x5": lambda x: x[2 + int(x[:2], 2)] == "1",
    "x5, x6 choose x0, x1, x2, x3": lambda x: x[int(x[5:], 2)] == "1",
    "a < b": lambda x: halves(x)[0] < halves(x)[1],
    "a <= b": lambda x: x[:3] <= x[4:],
    "a = b": lambda x: x[:3] == x[4:],
    "x0x1x2 < x3x4x5": lambda x: x[:3] < x[3:6],
    "palindrome": lambda x: x == x[::-1],
    "palindrome of last 4": lambda x: x[3:] == x[:2:-1],
    "a + b: bit 2": lambda x: sum(halves(x)) & 4,
    "a + b: carry": lambda x: sum(halves(x)) > 7,
    "a + b + x3: carry": lambda x: sum(halves(x)) + int(x[3]) > 7,
    "a times b: bit 3": lambda x: math.prod(halves(x)) & 8,
    "interval: middle two": lambda x: int(x, 2) in (63, 64),
    "DNF: a pair of ones": lambda x: "11" in (x[:2], x[2:4], x[4:6]),
    "rule 110, 1 step": lambda x: x[2:5] in ("110", "101", "011", "010", "001"),
    "rule 30, 1 step": lambda x: x[2:5] in ("100", "011", "010", "001"),
    "3x mod 127, 1 step": lambda x: 3 * int(x, 2) % 127 % 2,
    "5x + 3 mod 2^n, 2 steps": lambda x: (25 * int(x, 2) + 18) % 128 >= 64,
    "gcd(a, b) = 1": lambda x: math.gcd(*halves(x)) == 1,
    "x is prime": lambda x: int(x, 2) > 1 and all(int(x, 2) % d for d in range(2, int(x, 2))),
    "contains 101": lambda x: "101" in x,
}


@pytest.mark.parametrize("name", DEFINITIONS)
def test_tables_meet_plain_definitions(name):
    table = next(r.table for r in reference_functions(7) if r.name == name)
    assert table == text(bool(DEFINITIONS[name](f"{x:07b}")) for x in range(128))


def test_named_functions_are_among_them():
    tables = {r.table for r in reference_functions(7)}
    specs = ("constant", "projection", "parity", "parity:bits=3", "majority", "and", "or", "threshold:k=2", "multiplexer")
    for spec in (*specs, "interval", "periodic:pattern=001", "junta:table=0110", "dnf:terms=3,width=3,seed=3"):
        assert named(spec, 7) in tables, spec


@pytest.mark.parametrize("n", (3, 4))
def test_sizes_are_no_smaller_than_the_exact_ones(n):
    references = reference_functions(n)
    exact = exact_formula([r.table for r in references])
    above_and_or = np.array([r.leaves_and_or for r in references]) - exact.and_or
    above_all_gates = np.array([r.leaves_all_gates for r in references]) - exact.all_gates
    assert above_and_or.min() == above_all_gates.min() == 0
    assert np.mean(above_and_or == 0) > 0.75 and np.mean(above_all_gates == 0) > 0.75
    assert above_and_or.max() <= 2 and above_all_gates.max() <= 2


def test_sizes_that_are_known():
    """Parity of k = 2^m inputs takes k² leaves over AND and OR (Khrapchenko 1971); x < c reads each input at most once."""
    found = {r.name: (r.leaves_and_or, r.leaves_all_gates) for r in reference_functions(7)}
    assert found["constant 0"] == found["constant 1"] == (0, 0)
    assert found["x3"] == (1, 1)
    assert found["x0 xor x1"] == found["x2 xor x5"] == (4, 2)
    assert found["parity of 4"] == (16, 4) and found["parity of 7"] == (52, 7)
    assert found["majority of 3"] == (5, 5) and found["at least 1 of 7"] == (7, 7)
    assert found["palindrome"] == (12, 6) and found["a < b"] == found["a + b: carry"] == (10, 10)
    assert found["interval: one point at a third"] == (7, 7) and found["interval: first third"] == (6, 6)
    assert found["at least 2 of 7"][0] == 20  # no smaller than 7 log2 7 = 19.7 (Hansel 1964, monotone formulas)
    assert found["x0 = x1 = x2"] == (6, 4) and found["all inputs equal"] == (14, 12)


def test_expansion_and_division_reach_what_they_must():
    n, rng = 6, np.random.default_rng(0)
    tables = rng.random((5, 2**n)) < 0.5
    for all_gates in (False, True):
        divisions = Divisions(all_gates)
        for values, formula in zip(tables, expansions(tables, n, all_gates), strict=True):
            assert np.array_equal(evaluate(formula, n), values)
            assert np.array_equal(evaluate(write(formula, all_gates), n), values)
            assert np.array_equal(evaluate(divisions.formula(int(text(values), 2), tuple(range(n))), n), values)
    parity = np.array(list(named("parity", n))) == "1"
    assert leaves(expansions(parity[None], n, True)[0]) == n
    assert leaves(expansions(parity[None], n, False)[0]) == 3 * 2 ** (n - 1) - 2  # L(k) = 2 L(k-1) + 2
    assert leaves(write(Divisions(False).formula(int(text(parity), 2), tuple(range(n))), False)) == 40  # 2 (10 + 10)
    for constant in (np.zeros(2**n, bool), np.ones(2**n, bool)):
        assert leaves(expansions(constant[None], n, True)[0]) == 0
        assert Divisions(True).formula(int(text(constant), 2), tuple(range(n))) == Constant(bool(constant[0]))


def test_both_searches_are_exact_on_two_inputs():
    tables = np.array([[x >> k & 1 for k in range(4)] for x in range(16)]) == 1
    for all_gates in (False, True):
        exact = exact_formula([text(row) for row in tables])
        sizes = [leaves(formula) for formula in expansions(tables, 2, all_gates)]
        assert sizes == list(exact.all_gates if all_gates else exact.and_or)
        divisions = Divisions(all_gates)
        assert sizes == [leaves(write(divisions.formula(int(text(row), 2), (0, 1)), all_gates)) for row in tables]


def test_expressions_drop_constants_and_read_like_formulas():
    x, y, z = Input(0), Input(1), Input(2)
    one, zero = Constant(True), Constant(False)
    assert (x & one, x & zero, zero | x, x | one) == (x, zero, x, one)
    assert (x ^ zero, one ^ x, ~~x, ~one) == (x, ~x, x, zero)
    assert str((x & ~y) | (z ^ x)) == "(x0 & ~x1) | (x2 ^ x0)" == repr((x & ~y) | (z ^ x))
    assert str(x & y & z) == "x0 & x1 & x2" and str(If(x, y, z)) == "(x0 ? x1 : x2)"
    assert depth(~(x & y) | z) == 2 and leaves(~(x & y) | x) == 3
    choice = If(x, y ^ z, z)
    for all_gates, size in ((False, 7), (True, 5)):
        for negated in (False, True):
            written = write(choice, all_gates, negated)
            assert np.array_equal(evaluate(written, 3) ^ negated, evaluate(choice, 3)) and leaves(written) == size
    with pytest.raises(TypeError, match="no kind of expression"):
        evaluate("x0", 3)


@pytest.mark.parametrize("n", TAPS)
def test_the_linear_register_has_its_full_period(n):
    state, period = 1, 0
    while period == 0 or state != 1:
        state, period = state >> 1 ^ state % 2 * TAPS[n], period + 1
    assert period == 2**n - 1


def test_loop_bits_are_measured_as_those_of_the_maps():
    assert all(deflated_bits(PROGRAMS[family]) == description_bits(family) for family in ("uniform", "mlp"))
    for reference in reference_functions(7):
        if reference.loop_program is None:
            assert reference.loop_bits is reference.steps is None
        else:
            assert reference.family == "loop program"
            assert 300 < reference.loop_bits < 900 and reference.loop_bits % 8 == 0 and reference.steps >= 1


def test_steps_are_the_most_rounds_of_the_loop():
    found = {r.name: r for r in reference_functions(6)}
    for name in ("x is prime", "x is a square", "x is square-free", "contains 101", "no two ones in a row", "walk stays above"):
        rounds = []

        def counted(*bounds, rounds=rounds):
            for value in builtins.range(*bounds):
                rounds[-1] += 1
                yield value

        space = {"range": counted}
        exec(found[name].loop_program, space)
        for x in range(64):
            rounds.append(0)
            space["f"](x)
        assert max(rounds) == found[name].steps, name
    steps = {r.name: r.steps for r in reference_functions(7)}
    assert steps["Collatz steps are odd"] == 118  # from 97
    assert steps["x is a Fibonacci number"] == 12  # F(12) = 144 is the first at or above 127
    assert steps["x is triangular"] == 16  # 120 = 1 + … + 15 < 127
    assert steps["x has no 1 in base 3"] == 4  # 80 = 2222; 127 is below 20000
    assert steps["gcd(a, b) = 1"] == steps["Euclid's rounds are odd"] == 4  # 3 and 5: a swap, then 5, 3, 2, 1
    assert steps["rule 30, 8 steps"] == 8 and steps["linear register, 20 steps"] == 20


def test_an_input_set_gives_the_same_functions_whatever_its_coding():
    assert reference_functions(hypercube(5)) is reference_functions(hypercube(5, values=(-1, 1))) is reference_functions(5)
    first = reference_functions(5)[0]
    assert isinstance(first, Reference) and first == replace(first) and isinstance(hash(first), int)
    assert "x0" not in repr(first) and "formula" not in repr(first)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (2, "inputs = 2: the reference functions are made for 3 to 10 inputs"),
        (11, "inputs = 11: the reference functions are made for 3 to 10 inputs"),
        (0, "at least 1 input"),
        (40, "largest that fits is 16"),
        (7.5, "give a whole number"),
        ("7", "give a whole number"),
        (None, "give a whole number"),
        (from_rows(np.arange(8.0)[:, None]), "functions of bits, and inputs=rows-.* has none"),
        (grid(3, 3), "functions of bits, and inputs=grid-3x3 has none"),
    ],
)
def test_what_is_no_hypercube_of_3_to_10_inputs_is_refused(inputs, message):
    with pytest.raises(InputError, match=message) as caught:
        reference_functions(inputs)
    assert "\n" not in str(caught.value)
