import pytest

from slt_bias import maps, prior
from slt_bias.errors import InputError, SpecError


@pytest.mark.parametrize("spec", ["uniform:inputs=7", "polynomial:inputs=7,values=pm1,degree=7", "uniform:inputs=grid-3x5"])
def test_flat_maps(spec):
    chosen = maps.parse(spec)
    for function in ("constant", "random:seed=3"):
        exact = prior.closed_form(chosen, function)
        assert exact.log2_low == exact.log2_probability == exact.log2_high == -chosen.inputs.count
        assert exact.method == "closed form" and exact.status == "ok" and exact.unit == "bits"


@pytest.mark.parametrize("spec", ["mlp", "polynomial:degree=7", "polynomial:values=pm1,degree=7,decay=0.5,inputs=7",
                                  "polynomial:values=pm1,degree=7,law=uniform,inputs=7"])  # fmt: skip
def test_maps_without_one(spec):
    with pytest.raises(SpecError, match="no closed form"):
        prior.closed_form(maps.parse(spec), "constant")


def test_no_function_of_these_inputs():
    with pytest.raises(InputError):
        prior.closed_form(maps.parse("uniform:inputs=3"), "0101")


def test_layered_against_counts():
    from scipy import stats

    chosen = maps.parse("layered:inputs=3,depth=4")
    counts = prior.sample(chosen, 200_000)
    exact = [2 ** prior.closed_form(chosen, f"{k:08b}").value for k in range(256)]
    assert sum(exact) == pytest.approx(1, abs=1e-9)
    assert stats.chisquare([counts.of(f"{k:08b}") for k in range(256)], [200_000 * p for p in exact]).pvalue > 1e-4
