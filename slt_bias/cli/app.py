"""`slt-bias`: all commands, and what every command says and returns when it fails.

Exit codes: 0; 2 the user's mistake or a standard output that takes no more, with one line; 1 ours; 130 after Ctrl-C or a
termination signal.
"""

from __future__ import annotations

import shlex
import signal
import sys
import traceback
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from slt_bias.cli import output
from slt_bias.cli.blind_spots import blind_spots
from slt_bias.cli.compare import compare
from slt_bias.cli.complexity import complexity
from slt_bias.cli.doctor import doctor
from slt_bias.cli.llc import llc
from slt_bias.cli.maps import maps
from slt_bias.cli.probability import probability
from slt_bias.cli.superposition import superposition
from slt_bias.cli.verify import verify
from slt_bias.errors import SamplingInterrupted, SltBiasError

RESUMABLE = ("compare", "blind-spots")  # commands that keep what they have done when they are interrupted


class Line:
    """The command line that was typed: what `ctx.obj` is in every command."""

    def __init__(self, arguments: list[str]) -> None:
        self.debug = "--debug" in arguments
        self.text = shlex.join(["slt-bias", *arguments])


class Commands(TyperGroup):
    """The group of commands, with one place for errors and exit codes."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Run a command line and exit; one that cannot be read costs one line too."""
        arguments = list(sys.argv[1:] if args is None else args)
        try:
            code = super().main(arguments, "slt-bias", complete_var, False, windows_expand_args, obj=Line(arguments), **extra)
        except TyperException as error:
            output.fail(error.format_message())
            code = error.exit_code
        except typer.Abort:
            code = 130
        except output.OutputError as error:
            code = _no_output(str(error))
        except OSError as error:  # help is printed outside `invoke`
            code = _no_output(output.closed(error))
        sys.exit(code if isinstance(code, int) else 0)

    def invoke(self, ctx: Any) -> Any:
        """Run the command and turn what goes wrong into a line and an exit code."""
        debug = ctx.obj.debug
        try:
            return super().invoke(ctx)
        except (typer.Exit, typer.Abort, TyperException, output.OutputError):
            raise
        except KeyboardInterrupt as stop:
            kept = f": {stop.how_to_resume}" if isinstance(stop, SamplingInterrupted) else ""
            output.say(f"interrupted{kept}")
            how = "go on" if ctx.invoked_subcommand in RESUMABLE else "start again"
            output.say(f"{how} with: {ctx.obj.text}")
            raise typer.Exit(130) from None
        except SltBiasError as error:
            if debug:
                traceback.print_exc()
            output.fail(str(error))
            raise typer.Exit(2) from None
        except Exception as error:
            if debug:
                traceback.print_exc()
                hint = ""
            else:
                hint = " This is a fault of slt-bias: run the command again with --debug for the traceback."
            output.fail(f"{type(error).__name__}: {error}.{hint}")
            raise typer.Exit(1) from None


def _no_output(reason: str) -> int:
    """The environment's fault: exit code 2, with a line where there is something to say."""
    if reason:
        output.fail(reason)
    return 2


app = typer.Typer(cls=Commands, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
for command in (compare, probability, blind_spots, complexity, maps, llc, superposition, doctor, verify):
    app.command()(command)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        output.show(f"slt-bias {version('slt-bias')}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def overview(
    ctx: typer.Context,
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    """Simplicity bias: the probability of the functions that random parameters compute, against their complexity.

    Start with: slt-bias compare
    """
    if ctx.invoked_subcommand is None:
        output.show(ctx.get_help())


def main() -> None:
    """The console script: a termination signal stops a run as Ctrl-C does, so that it can be resumed."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    app()
