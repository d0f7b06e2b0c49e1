"""Numbers of the report."""

import math

import pytest

from slt_bias.workflows.report import bracketed, number, with_error


@pytest.mark.parametrize(
    ("values", "digits", "text"),
    [
        ((0.179, 0.1766, 0.1814), 4, "0.1790 [0.1766, 0.1814]"),
        ((-0.5, -0.52, -0.477), 2, "−0.50 [−0.52, −0.48]"),
        ((3.123e-4, 3.05e-4, 3.19e-4), 4, "3.12 [3.05, 3.19]·10⁻⁴"),
        ((0.0, 0.0, 3.7e-6), 3, "0.0 [0.0, 3.7]·10⁻⁶"),
        ((4e-4, 1e-4, 1.4e-3), 4, "0.0004 [0.0001, 0.0014]"),
        ((1.0, 1.0, 1.0), 3, "1.00 [1.00, 1.00]"),
        ((0.0, 0.0, 0.0), 3, "0.00 [0.00, 0.00]"),
        ((12.345, 11.5, 13.25), 4, "12.3 [11.5, 13.2]"),
        ((0.5, 0.1, math.inf), 4, "0.5 [0.1, ∞]"),
        ((math.nan, math.nan, math.nan), 4, "–"),
        ((None, None, None), 4, "–"),
    ],
)
def test_a_value_and_its_limits_have_the_same_decimals(values, digits, text):
    assert bracketed(*values, digits) == text


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [(23.5658, 0.163, "23.57 ± 0.16"), (146.3, 0.05, "146.300 ± 0.050"), (120.4, 31.0, "120 ± 31"), (7.0, math.nan, "7")],
)
def test_a_mean_has_the_decimals_of_its_error(value, error, text):
    assert with_error(value, error) == text


def test_numbers():
    assert [number(value) for value in (1234567, 0.25, 1.2e-5, None, math.inf)] == ["1,234,567", "0.25", "1.2·10⁻⁵", "–", "∞"]
