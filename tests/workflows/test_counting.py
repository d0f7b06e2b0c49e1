"""Counts in a folder: drawn, found, taken up, refused."""

import numpy as np
import pytest

from slt_bias import maps, prior
from slt_bias.errors import ResultError
from slt_bias.prior import FunctionCounts
from slt_bias.workflows.counting import count_functions
from slt_bias.workflows.naming import file_name


def count(folder, samples=20_000, seed=0, map=None):
    return count_functions(map or maps.Perceptron(4), folder, samples, seed, workers=1, device="cpu", progress=False)


def test_complete_counts_are_used_and_not_drawn_again(tmp_path, monkeypatch):
    first, path = count(tmp_path)
    assert path.exists() and list(tmp_path.iterdir()) == [path]
    monkeypatch.setattr(maps.Perceptron, "draw_functions", lambda *a: pytest.fail("drawn again"))
    second, _ = count(tmp_path)
    assert second.functions == first.functions and np.array_equal(second.count, first.count)


@pytest.mark.parametrize("change", [{"samples": 30_000}, {"samples": 10_000}, {"seed": 1}])
def test_complete_counts_of_other_draws_are_replaced(tmp_path, change):
    count(tmp_path)
    found, path = count(tmp_path, **change)
    fresh = prior.sample(maps.Perceptron(4), **({"samples": 20_000} | change))
    assert found.functions == fresh.functions and np.array_equal(found.count, fresh.count)
    assert FunctionCounts.load(path).samples == fresh.samples


def test_damaged_complete_counts_are_drawn_again(tmp_path):
    first, path = count(tmp_path)
    path.write_bytes(path.read_bytes()[:-50])
    second, _ = count(tmp_path)
    assert np.array_equal(second.count, first.count)


def test_a_checkpoint_is_taken_up(tmp_path):
    map = maps.Perceptron(4)
    partial = tmp_path / f"{file_name(map)}.partial.parquet"
    prior.sample(map, samples=map.block * 2, checkpoint=partial)
    found, path = count(tmp_path, samples=map.block * 3 + 7)
    whole = prior.sample(map, samples=map.block * 3 + 7)
    assert found.functions == whole.functions and np.array_equal(found.count, whole.count)
    assert path.exists() and not partial.exists()


@pytest.mark.parametrize("change", [{"seed": 1}, {"samples": 100}])
def test_a_checkpoint_of_other_draws_is_refused_and_kept(tmp_path, change):
    map = maps.Perceptron(4)
    partial = tmp_path / f"{file_name(map)}.partial.parquet"
    prior.sample(map, samples=map.block * 2, checkpoint=partial)
    with pytest.raises(ResultError, match="delete that file"):
        count(tmp_path, **change)
    assert partial.exists()
