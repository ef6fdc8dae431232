"""The program `sqcli`: options common to all commands, errors as their user sees them, exit codes.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 damage found by `check`, 75 stopped early and resumable.
"""

import contextlib
import os
import resource
import sys
import traceback
import warnings
from collections.abc import Sequence
from typing import Annotated, Any, NoReturn

import typer

from sqcli import __version__, stopping
from sqcli.cli._group import BadUsage, CommandFolder
from sqcli.cli.settings import Settings, complain, write
from sqcli.errors import SqcliError, Stopped, UsageError, missing

app = typer.Typer(cls=CommandFolder, add_completion=False, rich_markup_mode=None)


def _remember(ctx: typer.Context, param: typer.CallbackParam, value: bool) -> None:
    """Store a common option, which counts wherever it stands, before the command or after it."""
    settings = ctx.obj
    settings.context = ctx
    setattr(settings, str(param.name), value or getattr(settings, str(param.name)))


def _show_version(value: bool) -> None:
    if value:
        typer.echo(f"sqcli {__version__}")
        raise typer.Exit


def _common(help_text: str, flag: str) -> Any:
    return typer.Option(flag, callback=_remember, expose_value=False, is_eager=True, help=help_text)


@app.callback()
def sqcli(
    quiet: Annotated[bool, _common("Say nothing on stderr but errors.", "--quiet")] = False,
    verbose: Annotated[bool, _common("Say more on stderr, also what it cost.", "--verbose")] = False,
    debug: Annotated[bool, _common("Show the traceback of an error.", "--debug")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, expose_value=False, help="Show version.")
    ] = False,
) -> None:
    """Stochastic quantization and diffusion models for lattice field theory."""


def program() -> NoReturn:
    """Run the command line of this process and end it.

    It ends without the interpreter's own exit, which a worker in the middle of a long draw would crash and which a
    signal would turn into a kill; everything that counts is committed and flushed.
    """
    sys.unraisablehook = lambda _: None  # an interrupt within a destructor is not for the user to read
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # odd file names and narrow locales must not end in an error
            stream.reconfigure(errors="backslashreplace")
    code = run(sys.argv[1:])
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.flush()
    os._exit(code)


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code; raise nothing."""
    settings = Settings(command_line=("sqcli", *arguments))
    try:
        stopping.guard(True)
        with warnings.catch_warnings():
            warnings.showwarning = lambda message, *_, **__: settings.say(f"warning: {message}")
            code = _invoke(list(arguments), settings)
        settings.detail(_cost())
        if sys.stdout is not None:  # None where the caller closed it (>&-)
            sys.stdout.flush()
        stopping.guard(False)
    except BrokenPipeError:
        _forget_stdout()
        return 0  # not a fault: the reader of the pipe has seen enough (| head)
    except BaseException as error:
        stopping.guard(False)
        if settings.debug:
            traceback.print_exc()
        return _explain(error, settings)
    return code


def _cost() -> str:
    """Say how much CPU time and memory the process has used."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return f"used {used.ru_utime + used.ru_stime:.1f} s of CPU time, {used.ru_maxrss / 1024:.0f} MiB of memory"


def _invoke(arguments: list[str], settings: Settings) -> int:
    """Run the command that the arguments name, and return its exit code."""
    group = typer.main.get_command(app)
    try:
        with group.make_context("sqcli", arguments, obj=settings) as context:
            settings.context = context
            group.invoke(context)
    except typer.Exit as done:
        return done.exit_code
    return 0


def _explain(error: BaseException, settings: Settings) -> int:
    """Write one line on stderr for `error`, two for wrong usage, and return the exit code."""
    if isinstance(error, BadUsage):
        return _usage(error.format_message(), error.ctx or settings.context)
    if isinstance(error, UsageError):
        return _usage(str(error), settings.context)
    if isinstance(error, (Stopped, KeyboardInterrupt)) or stopping.arrived():  # a stop may surface as another error
        settings.say(str(error) if isinstance(error, Stopped) else stopping.reason())
        return Stopped.exit_code
    complain(_describe(error))
    return error.exit_code if isinstance(error, SqcliError) else 1


def _describe(error: BaseException) -> str:
    """Say in one line, for the user, what an error means."""
    if isinstance(error, SqcliError):
        return str(error)
    if isinstance(error, ImportError) and not str(error.name).startswith("sqcli"):
        return missing(error)
    if isinstance(error, RuntimeError) and "can't start new thread" in str(error):
        return "the system lets no further thread start; take fewer --workers, or raise its limit (ulimit -u)"
    if isinstance(error, MemoryError):
        return "out of memory; take a smaller lattice, fewer chains or a larger machine"
    if isinstance(error, OSError):
        file = f"{os.fsdecode(error.filename)}: " if isinstance(error.filename, (str, bytes)) else ""
        return f"{file}{error.strerror or error}"
    return f"internal error: {type(error).__name__}: {error}; run with --debug for the traceback"


def _usage(fault: str, context: Any) -> int:
    pieces = " ".join(context.command.collect_usage_pieces(context)) if context else "COMMAND"
    write(f"usage: {context.command_path if context else 'sqcli'} {pieces}")
    complain(fault)
    return UsageError.exit_code


def _forget_stdout() -> None:
    """Redirect stdout, a closed pipe, so that the interpreter's last flush does not fail."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
