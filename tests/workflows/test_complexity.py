"""The table of complexities."""

import math

import pytest

from slt_bias.errors import InputError, SpecError
from slt_bias.workflows.complexity import measure


def test_functions_of_different_lengths_in_one_table():
    table = measure(["parity:inputs=4", "0110", "0x6996", ""])
    assert list(table["points"]) == [16, 4, 16, 0]
    assert list(table["ones"]) == [8, 2, 8, 0]
    assert table["lz"][0] == table["lz"][2] and table["lz"][3] == 0
    assert table["formula_and_or"][0] == 16 and math.isnan(table["formula_and_or"][3])
    assert list(table["given"]) == ["parity:inputs=4", "0110", "0x6996", ""]


def test_formulas_only_where_they_reach():
    table = measure(["parity"], 5)
    assert table["formula_and_or"].isna().all() and table["lz"].notna().all()


def test_mistakes():
    with pytest.raises(InputError):
        measure([])
    with pytest.raises(InputError):
        measure(["parity"])
    with pytest.raises(SpecError):
        measure(["parit"], 4)


@pytest.mark.parametrize("text", ["0110", "", "0x69"])
def test_functions_must_fit_the_inputs_that_are_given(text):
    with pytest.raises(InputError, match="inputs=4,values=01, which has 16 points"):
        measure(["parity", text], 4)
