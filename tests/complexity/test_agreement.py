"""The table of rank agreement."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from slt_bias import complexity
from slt_bias.complexity.agreement import quick_estimators
from slt_bias.errors import InputError, SpecError
from slt_bias.functions import Functions


def test_it_is_spearmans_correlation_of_every_pair():
    functions = Functions.from_values(np.random.default_rng(0).random((200, 16)) < np.linspace(0.1, 0.5, 200)[:, None])
    table = complexity.rank_agreement(functions)
    assert list(table) == list(table.index) == list(quick_estimators(16))
    assert {"code", "ctw", "dnf_exact_terms", "formula_and_or", "sensitivity"} <= set(table)
    values = {name: complexity.compute(functions, name) for name in table}
    for one in table:
        for other in table:
            assert table.loc[one, other] == pytest.approx(spearmanr(values[one], values[other]).statistic)
    assert (np.diag(table) == 1).all()


def test_repeated_functions_count_as_often_as_given():
    strings = ["0" * 8, "01101001", "00010111", "01010101"]
    once = complexity.rank_agreement(strings, ("lz", "code", "anf"))
    assert list(once) == ["lz", "code", "anf_terms", "anf_degree"]
    assert complexity.rank_agreement(strings * 3, ("lz", "code", "anf")).to_numpy() == pytest.approx(once.to_numpy())
    assert not np.allclose(complexity.rank_agreement([*strings, *strings[:1] * 5], ("lz", "code", "anf")), once)


def test_a_constant_estimator_and_mistakes():
    table = complexity.rank_agreement(["0001", "0010"], ("entropy", "lz"))
    assert np.isnan(table.loc["entropy"]).all() and np.isnan(table.loc["lz", "entropy"])
    assert "dnf_exact_terms" not in quick_estimators(128)
    assert set(quick_estimators(100)) == {"lz", "lzma", "zlib", "bz2", "entropy", "code", "ctw", "bdm"}
    with pytest.raises(InputError, match="2 functions or more"):
        complexity.rank_agreement("0110")
    with pytest.raises(SpecError, match="Did you mean"):
        complexity.rank_agreement(["0110", "0111"], "lzz")
    with pytest.raises(InputError, match="no hypercube's"):
        complexity.rank_agreement(["011", "111"], "anf")
