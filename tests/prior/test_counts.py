import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slt_bias import prior
from slt_bias.errors import InputError, ResultError, SpecError
from slt_bias.functions.tables import Functions
from slt_bias.prior import FunctionCounts
from slt_bias.prior.tally import Tally


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 200), st.integers(1, 4), st.integers(0, 2**32))
def test_tally_counts_exactly(points, parts, seed):
    rng = np.random.default_rng(seed)
    pool = rng.integers(0, 2, size=(rng.integers(1, 40), points))
    tally, plain = Tally(points), {}
    for _ in range(parts):
        rows = pool[rng.integers(0, len(pool), size=rng.integers(1, 3000))]
        weights = rng.integers(1, 5, size=len(rows))
        tally.add(np.packbits(rows, axis=1), weights)
        for row, weight in zip(rows, weights, strict=True):
            text = "".join(map(str, row))
            plain[text] = plain.get(text, 0) + int(weight)
    functions, counts = tally.sorted()
    assert dict(zip(functions.strings(), counts.tolist(), strict=True)) == plain
    order = sorted(plain.items(), key=lambda item: (-item[1], item[0]))
    assert functions.strings() == [text for text, _ in order]
    assert counts.dtype == np.int64 and len(tally) == len(plain)


def test_tally_grows():
    tally = Tally(64)
    rows = np.arange(300_000, dtype=">u8").view(np.uint8).reshape(-1, 8)
    tally.add(rows)
    tally.add(rows[:1000])
    functions, counts = tally.sorted()
    assert len(functions) == 300_000 and (counts[:1000] == 2).all() and (counts[1000:] == 1).all()


def test_table_columns_and_named_probability():
    counts = prior.sample("mlp:inputs=3,hidden=4", 20_000)
    table = counts.table()
    assert list(table) == ["function", "count", "probability", "probability_low", "probability_high"]
    assert table["count"].sum() == counts.samples == 20_000 and len(table) == counts.distinct
    assert table["count"].is_monotonic_decreasing
    assert (table.probability_low <= table.probability).all() and (table.probability <= table.probability_high).all()
    assert (table.probability_low[table["count"] <= 2] == 0).all() and (table.probability_low[table["count"] > 2] > 0).all()
    assert counts.of("constant") == counts.of("00000000") == counts.of("0x00") == table["count"][table.function == "0" * 8].item()
    estimate = counts.probability("constant")
    wilson = counts.probability("constant", interval="wilson")
    assert estimate.low < wilson.low < float(estimate) < wilson.high < estimate.high
    assert len(counts.table(5)) == 5
    with pytest.raises(InputError, match="8"):
        counts.of("0101")
    with pytest.raises(InputError, match="clopper-pearson or wilson"):
        counts.probability("constant", interval="wald")


def test_zipf():
    counts = prior.sample("mlp:inputs=3,hidden=4", 20_000)
    zipf = counts.zipf()
    assert (zipf["count"] * zipf.functions).sum() == counts.samples and zipf["rank"].iloc[-1] == counts.distinct


def test_adding():
    one, other = prior.sample("mlp:inputs=3,hidden=4", 20_000, seed=0), prior.sample("mlp:inputs=3,hidden=4", 30_000, seed=1)
    both = one + other
    assert both.samples == 50_000 and both.count.sum() == 50_000
    assert both.of("constant") == one.of("constant") + other.of("constant")
    again = both + prior.sample("mlp:inputs=3,hidden=4", 10_000, seed=2)
    assert set(again.blocks) == {0, 1, 2}
    with pytest.raises(ResultError, match="block 0 of seed 1"):
        again + other
    with pytest.raises(ResultError, match="different maps"):
        one + prior.sample("mlp:inputs=3,hidden=5", 100, seed=5)


def test_files(tmp_path):
    counts = prior.sample("mlp:inputs=3,hidden=4", 20_000)
    path = counts.save(tmp_path / "deep" / "a.parquet")
    back = FunctionCounts.load(path)
    assert back.functions == counts.functions and (back.count == counts.count).all()
    assert (back.samples, back.spec, back.provenance) == (counts.samples, counts.spec, counts.provenance)
    assert (back.blocks[0] == counts.blocks[0]).all()
    for key in ("law", "inputs", "rule", "slt_bias", "torch", "device", "instruction_set", "backend", "seed"):
        assert back.provenance[key]
    import pandas as pd

    assert list(pd.read_parquet(path)) == ["function", "count"]


def test_damaged_files(tmp_path):
    path = prior.sample("mlp:inputs=3,hidden=4", 20_000).save(tmp_path / "a.parquet")
    whole = path.read_bytes()
    for damaged in (b"", whole[: len(whole) // 2], b"PAR1 nonsense", whole[:8] + b"\x55" * 40 + whole[48:]):
        path.write_bytes(damaged)
        with pytest.raises(ResultError, match=r"a\.parquet"):
            FunctionCounts.load(path)
    with pytest.raises(ResultError, match="no such file"):
        FunctionCounts.load(tmp_path / "b.parquet")


def test_flipped_counts_are_noticed(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as parquet

    path = prior.sample("mlp:inputs=3,hidden=4", 20_000).save(tmp_path / "a.parquet")
    table = parquet.read_table(path)
    changed = table["count"].to_numpy().copy()
    changed[0] += 1
    parquet.write_table(table.set_column(1, "count", pa.array(changed)), path)
    with pytest.raises(ResultError, match="checksum"):
        FunctionCounts.load(path)


def test_empty_padding_is_no_part_of_a_function():
    counts = prior.sample("uniform:inputs=grid-3x3", 5000)
    assert counts.points == 9 and isinstance(counts.functions, Functions) and counts.distinct == 512


def test_names_of_functions_on_other_points_than_bits():
    for spec in ("perceptron:inputs=grid-2x4", "perceptron:inputs=grid-3x3"):
        counts = prior.sample(spec, 2000)
        assert counts.of("constant") == counts.of("0" * counts.points) > 0
        with pytest.raises(SpecError, match="bits"):
            counts.of("parity")


def test_merged_provenance_names_all_seeds():
    one, other = prior.sample("mlp:inputs=3,hidden=4", 200, seed=0), prior.sample("mlp:inputs=3,hidden=4", 300, seed=7)
    assert (one + other).provenance["seed"] == "0, 7"
    assert repr(one + other) == f"<500 draws of {one.spec} (seed 0, 7): {(one + other).distinct:,} functions>"


def test_bad_table_arguments():
    counts = prior.sample("mlp:inputs=3,hidden=4", 200)
    for arguments in ({"confidence": 2}, {"limit": -1}):
        with pytest.raises(InputError):
            counts.table(**arguments)
    with pytest.raises(InputError):
        prior.sample("mlp:inputs=3,hidden=4", True)
