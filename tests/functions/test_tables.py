"""Packed truth tables: round trips, padding, and the numbers of ones."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slt_bias.errors import InputError
from slt_bias.functions import Functions
from slt_bias.functions.tables import from_hexadecimal, from_strings


@st.composite
def batches(draw):
    points = draw(st.integers(0, 70))
    text = st.text("01", min_size=points, max_size=points)
    return draw(st.lists(text, min_size=1, max_size=5))


@settings(max_examples=100, derandomize=True, deadline=None)
@given(batches())
def test_round_trips(strings):
    functions = from_strings(strings)
    assert functions.strings() == list(functions) == strings
    assert len(functions) == len(strings)
    assert functions.points == len(strings[0])
    assert functions.ones().tolist() == [s.count("1") for s in strings]
    assert Functions.from_values(functions.values()) == functions
    assert functions.complement().strings() == [s.translate({48: "1", 49: "0"}) for s in strings]
    assert functions.complement().complement() == functions
    assert functions[0].strings() == strings[:1]
    assert functions[1:].strings() == strings[1:]
    assert functions[np.array([-1, 0])].strings() == [strings[-1], strings[0]]
    assert hash(functions) == hash(from_strings(strings))


@settings(max_examples=50, derandomize=True, deadline=None)
@given(st.text("0123456789abcdefABCDEF", min_size=1, max_size=40))
def test_hexadecimal_is_four_points_a_digit(digits):
    text = from_hexadecimal("0x" + digits)
    assert len(text) == 4 * len(digits)
    assert int(text, 2) == int(digits, 16)


def test_the_first_point_is_the_highest_bit():
    assert from_strings(["1000000001"]).packed.tolist() == [[0b10000000, 0b01000000]]


def test_a_value_above_0_is_1():
    assert Functions.from_values(np.array([0.0, -0.0, 1e-30, -1.0, 2.0])).strings() == ["00101"]


def test_no_functions():
    assert from_strings([]).strings() == []
    assert len(Functions.from_values(np.zeros((0, 5)))) == 0
    assert Functions.from_values(np.zeros((0, 5))).strings() == []


def test_padding_must_be_0():
    with pytest.raises(InputError, match="last 6 bits are padding"):
        Functions(np.array([[0b01000001]], np.uint8), 2)


@pytest.mark.parametrize("packed", [np.zeros((2, 2), np.uint8), np.zeros(1, np.uint8), np.zeros((2, 1), np.int64)])
def test_packed_must_have_the_right_shape_and_type(packed):
    with pytest.raises(InputError, match=r"need uint8 of shape \(count, 1\)"):
        Functions(packed, 8)


def test_another_number_of_points_is_another_function():
    assert from_strings(["0"]) != from_strings(["00"])
    assert from_strings(["0"]) != "0"


@pytest.mark.parametrize(
    ("strings", "message"),
    [
        (["01", "0"], "function 1 has 1 points, the first has 2"),
        (["01", "0a"], "`a` is neither 0 nor 1"),
        (["0½"], "neither 0 nor 1"),
        (["01", 3], "function 1: int"),
        (["x" * 100], "x{40}…"),
    ],
)
def test_what_is_no_truth_table_is_refused(strings, message):
    with pytest.raises(InputError, match=message):
        from_strings(strings)
