"""What a user gets wrong costs one clear line and exit code 2, and nothing is drawn."""

import numpy as np
import pytest
from typer.testing import CliRunner

from slt_bias.cli import app

CASES = {
    "unknown map": (["--map", "mpl"], "Did you mean `mlp`?"),
    "unknown option": (["--map", "mlp:hiden=4"], "Did you mean `hidden`?"),
    "unknown value": (["--map", "mlp:activation=rely"], "Did you mean `relu`?"),
    "preset with a std": (["--map", "mlp:preset=valle-perez-2018,weight_std=2"], "leave out weight_std"),
    "n = 40": (["--map", "mlp:inputs=40"], "128 GiB"),
    "n = 17": (["--map", "mlp:inputs=17"], "the largest that fits is 16"),
    "n = 40 for all": (["--inputs", "40"], "the largest that fits is 16"),
    "inputs twice": (["--map", "mlp:inputs=5", "--inputs", "6"], "leave out one of the two"),
    "the same map twice": (["--map", "mlp", "--map", "mlp:hidden=40x40"], "give each once"),
    "no truth table": (["--function", "01x1"], "`x` is neither 0 nor 1"),
    "a function that does not fit": (["--function", "0101"], "128 points"),
    "unknown function": (["--function", "parit"], "Did you mean `parity`?"),
    "zero samples": (["--samples", "0"], "at least 1"),
    "half a sample": (["--samples", "1.5"], "at least 1"),
    "samples in words": (["--samples", "ten"], "1e6"),
    "no number of samples": (["--samples", "nan"], "no whole number"),
    "too many samples": (["--samples", "1e400"], "at most 4.6e+18"),
    "missing GPU": (["--device", "cuda:7"], "this machine has cpu"),
    "unknown estimator": (["--complexity", "lzz"], "Did you mean `lz`?"),
    "an estimator that does not reach": (["--complexity", "formula_and_or"], "at most 4"),
    "unknown flag": (["--sampels", "3"], "--samples"),
    "missing file": (["--inputs", "none.csv"], "no such file"),
    "unknown inputs": (["--inputs", "digitz:3"], "digits:64"),
    "missing module": (["--map", "module:no_such_module:factory"], "no_such_module"),
    "bits only": (["--map", "transformer", "--inputs", "digits:8"], "number of binary inputs"),
    "no workers": (["--workers", "0"], "--workers"),
}


def run(tmp_path, *arguments):
    out = tmp_path / "out"
    done = CliRunner().invoke(app, ["compare", "--out", str(out), *arguments])
    assert not out.exists(), "nothing is written before the arguments are known to be good"
    return done


def check(done, words):
    assert done.exit_code == 2
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert words in done.stderr


@pytest.mark.parametrize(("arguments", "words"), CASES.values(), ids=list(CASES))
def test_one_line_and_exit_code_2(tmp_path, arguments, words):
    check(run(tmp_path, *arguments), words)


@pytest.mark.parametrize("kind", ["csv", "npy"])
def test_rows_with_nan(tmp_path, kind):
    path = tmp_path / f"rows.{kind}"
    rows = np.array([[1.0, 2.0], [np.nan, 3.0]])
    if kind == "npy":
        np.save(path, rows)
    else:
        path.write_text("a,b\n1,2\nnan,3\n")
    done = run(tmp_path, "--inputs", str(path))
    check(done, str(path))
    assert "nan" in done.stderr


def test_folder_that_cannot_be_written(tmp_path, monkeypatch):
    from slt_bias import prior

    monkeypatch.setattr(prior, "sample", lambda *a, **k: pytest.fail("drawn before the folder was tried"))
    (tmp_path / "file").touch()
    done = CliRunner().invoke(app, ["compare", "--out", str(tmp_path / "file" / "below")])
    check(done, f"{tmp_path / 'file'}: exists and is no folder")
    check(CliRunner().invoke(app, ["compare", "--out", str(tmp_path / "file")]), f"{tmp_path / 'file'}: exists and is no folder")


@pytest.mark.parametrize(
    "arguments", [["complexity", "0120"], ["complexity", "parity"], ["complexity"], ["complexity", "0.5"], ["compre"]]
)
def test_other_commands(arguments):
    check(CliRunner().invoke(app, arguments), "")


def test_json_does_not_change_the_answer_to_a_mistake():
    check(CliRunner().invoke(app, ["compare", "--json", "--map", "mpl"]), "Did you mean")


def test_debug_shows_the_traceback():
    done = CliRunner().invoke(app, ["compare", "--debug", "--map", "mpl"])
    assert done.exit_code == 2
    assert "Traceback" in done.stderr and done.stderr.splitlines()[-1].startswith("error: map `mpl`")


def test_internal_failure_is_exit_code_1(monkeypatch):
    from slt_bias.workflows import families

    def broken():
        raise ZeroDivisionError("by design")

    monkeypatch.setattr(families, "families", broken)
    done = CliRunner().invoke(app, ["maps"])
    assert done.exit_code == 1
    assert done.stderr.count("\n") == 1
    assert "ZeroDivisionError: by design" in done.stderr and "--debug" in done.stderr
    assert "Traceback" in CliRunner().invoke(app, ["maps", "--debug"]).stderr
