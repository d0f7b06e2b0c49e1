"""The command line: one file a command. Importing it needs typer alone; a command imports its workflow when it runs."""

from slt_bias.cli.app import app, main

__all__ = ["app", "main"]
