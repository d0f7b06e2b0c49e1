"""Execute every notebook source (jupytext, .py) beside this file and write its .ipynb.

Run: .venv/bin/python notebooks/execute.py
"""

from __future__ import annotations

from pathlib import Path

import jupytext
import nbclient
import nbformat


def execute(source: Path) -> nbformat.NotebookNode:
    """The executed notebook of a jupytext source; raises nbclient's CellExecutionError where a cell fails."""
    notebook = jupytext.read(source)
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number}"  # not a random one: the file changes only where its content does
    nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)  # times of day: they would change at every run
    return notebook


if __name__ == "__main__":
    for source in sorted(Path(__file__).parent.glob("*.py")):
        if source.name != "execute.py":
            nbformat.write(execute(source), source.with_suffix(".ipynb"))
            print(source.with_suffix(".ipynb"))
