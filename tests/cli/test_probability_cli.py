"""`slt-bias probability`: what it prints, what it writes, and what it refuses."""

import json
import re

import pandas as pd
import pytest
from typer.testing import CliRunner

from slt_bias.cli import app

SMALL = ["--map", "perceptron", "--inputs", "3"]


def invoke(*arguments):
    done = CliRunner().invoke(app, ["probability", *arguments])
    assert "\x1b" not in done.output
    return done


def test_a_table_of_answers(tmp_path):
    out = tmp_path / "a name with spaces, ünicode"
    done = invoke(*SMALL, "--function", "majority", "--function", "x0 xor x1", "--out", str(out), "--workers", "1")
    assert done.exit_code == 0, done.stderr
    assert re.search(r"function\s+log2 P\s+interval\s+log10 P\s+method\s+draws\s+status\s+why", done.stdout)
    assert re.search(r"x0 xor x1\s+never\s+\[-inf, -inf\]\s+never\s+linear programme\s+0\s+ok\s+not representable", done.stdout)
    assert f"table: {out / 'table.csv'}" in done.stdout and f"figure: {out / 'intervals.png'}" in done.stdout
    table = pd.read_csv(out / "table.csv")
    assert list(table["name"]) == ["majority", "x0 xor x1"] and table["log2_probability"][0] < 0


def test_json_is_clean(tmp_path):
    done = invoke(*SMALL, "--function", "0x6c", "--out", str(tmp_path), "--json")
    assert done.exit_code == 0, done.stderr
    summary = json.loads(done.stdout)
    assert summary == json.loads((tmp_path / "summary.json").read_text())
    (row,) = summary["functions"]
    assert (row["function"], row["answer"], row["log2_probability"]) == ("01101100", "impossible", None)
    assert {"status", "reasons", "method", "chosen_because", "evaluations", "log10_low"} <= set(row)


def test_equal_seeds_give_equal_numbers(tmp_path):
    tables = []
    for name, seed in (("a", "1"), ("b", "1"), ("c", "2")):
        arguments = ["--function", "and", "--method", "count", "--budget-evaluations", "50000", "--seed", seed]
        assert invoke(*SMALL, *arguments, "--out", str(tmp_path / name)).exit_code == 0
        tables.append((tmp_path / name / "table.csv").read_bytes())
    assert tables[0] == tables[1] != tables[2]


def test_balls_given_rows_and_reasons(tmp_path):
    (tmp_path / "rows.txt").write_text("0-2\n")
    arguments = ["--function", "majority", "--errors", "0,1", "--given", str(tmp_path / "rows.txt")]
    done = invoke(*SMALL, *arguments, "--budget-evaluations", "1e5", "--out", str(tmp_path / "out"))
    assert done.exit_code == 0, done.stderr
    assert re.search(r"majority\s+≤ 0", done.stdout) and re.search(r"majority\s+≤ 1", done.stdout)
    assert "log2 P(rows)" in done.stdout
    limited = ["--map", "tree", "--inputs", "4", "--function", "parity", "--least", "1e-3", "--budget-evaluations", "300000"]
    done = invoke(*limited, "--out", str(tmp_path / "out"))
    assert re.search(r"parity\s+< -[0-9.]+\s+\[-inf, -[0-9.]+\]", done.stdout)
    assert "parity, suspect:\n- " in done.stdout  # the reasons stand below the table


MISTAKES = {
    "no function": ([], "no function given"),
    "unknown function": (["--function", "parit"], "Did you mean `parity`?"),
    "near the catalogue": (["--function", "x0 xor x9"], "The catalogue has"),
    "a function that does not fit": (["--function", "0101"], "has 8 points"),
    "no truth table": (["--function", "01x1"], "`x` is neither 0 nor 1"),
    "twice": (["--function", "parity", "--function", "parity"], "given twice"),
    "unknown map": (["--map", "mpl", "--function", "parity"], "Did you mean `mlp`?"),
    "unknown method": (["--function", "parity", "--method", "cuont"], "Did you mean `count`?"),
    "errors in words": (["--function", "parity", "--errors", "few"], "`few`: give a whole number"),
    "negative errors": (["--function", "parity", "--errors", "-1"], "`-1`: give a whole number"),
    "too many errors": (["--function", "parity", "--errors", "8"], "fewer than all 8"),
    "rows that are not there": (["--function", "parity", "--given", "0-8"], "from 0 to 7"),
    "rows in words": (["--function", "parity", "--given", "first"], "or a text file"),
    "relative error": (["--function", "parity", "--relative-error", "0"], "between 0 and 1"),
    "confidence": (["--function", "parity", "--confidence", "95"], "between 0 and 1"),
    "least": (["--function", "parity", "--least", "-1"], "between 0 and 1"),
    "no time": (["--function", "parity", "--budget-seconds", "0"], "`0`: give a positive number"),
    "endless time": (["--function", "parity", "--budget-seconds", "nan"], "give a positive number"),
    "no evaluations": (["--function", "parity", "--budget-evaluations", "0"], "at least 1"),
    "n = 40": (["--function", "parity", "--inputs", "40"], "the largest that fits is 16"),
    "no workers": (["--function", "parity", "--workers", "0"], "--workers"),
    "missing file": (["--function", "constant", "--inputs", "none.csv"], "no such file"),
}


@pytest.mark.parametrize(("arguments", "words"), MISTAKES.values(), ids=list(MISTAKES))
def test_one_line_and_exit_code_2(tmp_path, arguments, words):
    usual = {"--map": "perceptron", "--inputs": "3"}
    base = [text for option in usual if option not in arguments for text in (option, usual[option])]
    out = tmp_path / "out"
    done = invoke(*base, *arguments, "--out", str(out))
    assert done.exit_code == 2, done.output
    assert done.stdout == "" and done.stderr.startswith("error: ") and done.stderr.count("\n") == 1
    assert words in done.stderr
    assert not out.exists()


def test_a_method_that_does_not_fit_the_map(tmp_path):
    arguments = ["--map", "tree", "--inputs", "3", "--function", "parity", "--method", "gaussian-process"]
    done = invoke(*arguments, "--out", str(tmp_path))
    assert done.exit_code == 2 and "Traceback" not in done.stderr and "error: " in done.stderr


def test_help():
    done = invoke("--help")
    assert done.exit_code == 0 and "Example: slt-bias probability" in done.stdout
    assert "--json" in done.stdout and "--debug" in done.stdout
