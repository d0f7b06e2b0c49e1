"""Every form of a function that a user may type, and what is refused."""

import numpy as np
import pytest

from slt_bias.errors import InputError, SpecError
from slt_bias.functions import Functions, grid, hypercube, named, parse

XOR = "0110"


@pytest.mark.parametrize(
    ("functions", "inputs", "strings"),
    [
        (XOR, None, [XOR]),
        (XOR, 2, [XOR]),
        ("0x6", None, [XOR]),
        ("0X6", 2, [XOR]),
        ("0x6996", 4, ["0110100110010110"]),
        ("parity", 2, [XOR]),
        ("parity:inputs=2", None, [XOR]),
        (["parity", "0x6", XOR, "and"], 2, [XOR, XOR, XOR, "0001"]),
        (("0", "1"), None, ["0", "1"]),
        (np.array([XOR, "0001"]), 2, [XOR, "0001"]),
        (np.array([XOR, "0001"], dtype=object), 2, [XOR, "0001"]),
        (["random", "0" * 81], grid(9, 9), [named("random", grid(9, 9)), "0" * 81]),
        ("", None, [""]),
        ([], None, []),
        ([], 3, []),
    ],
)
def test_the_accepted_forms(functions, inputs, strings):
    assert parse(functions, inputs).strings() == strings


def test_functions_pass_through():
    functions = parse([XOR, "0001"])
    assert parse(functions) is functions
    assert parse(functions, 2) is functions
    assert parse(functions, hypercube(2, values=(-1, 1))) is functions


def test_an_empty_list_has_the_points_of_the_inputs():
    assert parse([], 5).points == 32


@pytest.mark.parametrize(
    ("functions", "inputs", "message"),
    [
        ([0.1, -0.2], None, "from_values"),
        ([0, 1, 1, 0], None, "from_values"),
        ([True, False], None, "from_values"),
        (np.array([0.1, -0.2]), None, "from_values"),
        (np.array([0, 1]), None, "from_values"),
        (np.array([[True, False]]), None, "from_values"),
        (np.array([[XOR]]), None, "shape"),
        ([XOR, 1], None, "function 1"),
        (3, None, "from_values"),
        (None, None, "from_values"),
        (b"0110", None, "from_values"),
        ("0120", None, "`2` is neither 0 nor 1"),
        (" 0110", None, "neither 0 nor 1"),
        ([XOR, "01"], None, "function 1 has 2 points"),
        ([XOR, "parity:inputs=3"], None, "function 1 has 8 points"),
        (XOR, 3, "4 points does not fit .* 8 points"),
        ("", 3, "empty text is no function on inputs=3.* 8 points"),
        ([XOR, ""], 2, "empty text"),
        (XOR, grid(3, 3), "does not fit"),
        (Functions.from_values(np.ones((1, 4))), 3, "does not fit"),
        ("0x6", 1, "hexadecimal"),
        ("0x6", grid(3, 3), "hexadecimal"),
        ("0x69", 2, "8 points does not fit"),
        ("0x6g", None, "hexadecimal"),
        ("0x", None, "no digits"),
        ("parity", None, "needs a number of inputs"),
        ("parity", 40, "128 GiB"),
    ],
)
def test_what_is_no_function_gets_one_clear_line(functions, inputs, message):
    with pytest.raises(InputError, match=message) as caught:
        parse(functions, inputs)
    assert "\n" not in str(caught.value)


def test_an_unknown_name_brings_the_nearest():
    with pytest.raises(SpecError, match="Did you mean `majority`"):
        parse("majorty", 7)
    with pytest.raises(SpecError, match="Did you mean `threshold`"):
        parse(["parity", "treshold:k=3"], 7)
