"""Every estimator obeys the same contract; tables of them; unknown names."""

import numpy as np
import pandas as pd
import pytest

from slt_bias import complexity
from slt_bias.complexity.registry import DEFAULT, ESTIMATORS
from slt_bias.errors import InputError, SpecError
from slt_bias.functions import parse

STRINGS = ["0110100110010110", "0000000000000000", "0001001000110100"]


@pytest.mark.parametrize("name", ESTIMATORS)
def test_the_contract(name):
    estimator = ESTIMATORS[name]
    several = estimator(STRINGS)
    assert estimator.__name__ == name
    assert getattr(complexity, name) is estimator
    assert several.shape == (3,)
    assert several.dtype == np.float64
    assert np.array_equal(several, complexity.compute(parse(STRINGS), name))
    assert np.array_equal(several, estimator(parse(STRINGS)))
    assert [estimator(s) for s in STRINGS] == several.tolist()
    assert type(estimator(STRINGS[0])) is float
    assert several[1] == several.min()
    assert estimator.unit in complexity.names()[name]
    assert "float64 (count,)" in estimator.__doc__


def test_a_table_has_a_column_an_estimator():
    table = complexity.table(["parity", "constant", STRINGS[2]], estimators=("entropy", "formula", "lz"), inputs=4)
    assert list(table) == ["function", "entropy", "formula_and_or", "formula_all_gates", "lz"]
    assert table["function"].tolist() == STRINGS
    assert table["formula_and_or"].tolist() == [16, 0, 11]
    assert table["lz"].tolist() == complexity.lz(STRINGS).tolist()


def test_the_default_works_at_any_number_of_points():
    for strings in (["011"], ["0" * 128], [""], []):
        table = complexity.table(strings)
        assert list(table) == ["function", *DEFAULT]
        assert len(table) == len(strings)
        assert all(dtype == np.float64 for dtype in table.dtypes.iloc[1:])
        assert isinstance(table["function"].dtype, pd.StringDtype)


def test_columns_are_listed_once():
    assert complexity.columns("lz") == ("lz",)
    assert complexity.columns(["formula_all_gates", "formula", "formula"]) == ("formula_all_gates", "formula_and_or")


def test_unknown_names_bring_the_nearest():
    with pytest.raises(SpecError, match="Did you mean `lzma`"):
        complexity.table(STRINGS, estimators=("lz", "lzmaa"))
    with pytest.raises(SpecError, match="Did you mean `formula`"):
        complexity.table(STRINGS, estimators="formla")
    with pytest.raises(SpecError, match="Did you mean `entropy`"):
        complexity.compute(parse(STRINGS), "entrpy")
    with pytest.raises(SpecError, match="formula_and_or and formula_all_gates"):
        complexity.compute(parse(STRINGS), "formula")


def test_formula_in_a_table_of_many_inputs_says_what_to_do():
    with pytest.raises(InputError, match=r"at most 4 bits.* use lz"):
        complexity.table("parity:inputs=7", estimators=("lz", "formula"))


@pytest.mark.parametrize("functions", ["0101", ["0101"], None])
def test_compute_takes_functions_only(functions):
    with pytest.raises(InputError, match=r"not (str|list|NoneType): use sb.complexity.table, or sb.complexity.lz"):
        complexity.compute(functions, "lz")
