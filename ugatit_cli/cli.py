"""Which commands there are, and how every way to end becomes two lines at most and an exit code."""

from __future__ import annotations

import gc
import os
import signal
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from types import FrameType
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from . import __version__
from .console import Console
from .errors import ExitCode, UgatitError, UsageError

COMMANDS = {
    "translate": "Translate pictures: one file, many, or whole folders.",
    "video": "Translate a film, or show a camera's picture translated.",
    "train": "Train a model on two folders of pictures.",
    "evaluate": "Measure how good a model is: KID, FID and more.",
    "export-onnx": "Write a model as an ONNX graph.",
    "models": "List, fetch, import, verify, remove and publish models.",
    "bench": "Measure which way to run a model is the fastest here.",
    "doctor": "Check the installation.",
}
"""As --help shows them. `some-name` is the function `some_name` in `commands/some_name.py`."""

SETTINGS: Any = {
    "add_completion": False,
    "rich_markup_mode": None,  # plain pages appear three times as fast, and grep reads them
    "context_settings": {"help_option_names": ["-h", "--help"], "max_content_width": 100},
}

EXIT_CODES = f"""\b
Exit codes:
  {ExitCode.OK}    done, or done already
  {ExitCode.BUG}    unexpected error: please report it
  {ExitCode.USAGE}    wrong options or a missing path; nothing was changed
  {ExitCode.PARTIAL}    some pictures done, some failed
  {ExitCode.BAD_INPUT}    a picture or data set cannot be used
  {ExitCode.BAD_MODEL}    a model is damaged or does not fit
  {ExitCode.REFUSED}    refused: a file would run code, break a limit or fail its checksum
  {ExitCode.NETWORK}    a download failed
  {ExitCode.RESOURCES}    out of disk space, memory or --time-limit; run again (train: --resume), it goes on
  {ExitCode.DEVICE}    the device that was asked for is not there
  {ExitCode.OUTPUT}   cannot write the output, or another run is writing it
  {ExitCode.DIVERGED}   training diverged
  128+n  ended by a signal: 130 Ctrl-C, 141 closed pipe, 143 terminated"""


class Commands(Mapping[str, Any]):
    """Loaded when they are asked for: `translate` need not wait for what `train` has to load."""

    def __init__(self) -> None:
        self._loaded: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in COMMANDS:
            raise KeyError(name)
        if name not in self._loaded:
            self._loaded[name] = _load(name)
        return self._loaded[name]

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


def _load(name: str) -> Any:
    word = name.replace("-", "_")
    found = getattr(import_module(f".commands.{word}", __package__), word)
    if isinstance(found, typer.Typer):  # several commands in one
        return typer.main.get_command(found)
    alone = typer.Typer(**SETTINGS)
    alone.command(name)(found)
    return typer.main.get_command(alone)


class Program(TyperGroup):
    """The command line as a whole."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.commands = self.commands or Commands()  # type: ignore[assignment]

    def main(self, *args: Any, **settings: Any) -> Any:
        """Run it and leave the process; Typer shows errors in a form of its own, so none of them gets that far."""
        settings["standalone_mode"] = False
        settings["windows_expand_args"] = False  # patterns are ours, and a file may be called like one
        try:
            code = super().main(*args, **settings)
        except typer.TyperException as error:  # what Typer finds wrong with the words of the command line
            code = _show(_as_usage_error(error))
        except UgatitError as error:
            code = _show(error)
        except Exception as error:  # noqa: BLE001 - the edge of the program: there is nobody else to tell
            from .commands.unforeseen import as_ours

            code = _show(as_ours(error))
        sys.exit(code if isinstance(code, int) else ExitCode.OK)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """From the table: to load them all would take three times as long as the rest of the page."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def make_context(self, *args: Any, **settings: Any) -> Any:
        with _ending_with_the_pipe():
            return super().make_context(*args, **settings)

    def invoke(self, ctx: Any) -> Any:
        with _ending_with_the_pipe():
            return super().invoke(ctx)


def _show(error: UgatitError) -> int:
    Console().error(error)
    if os.environ.get("UGATIT_DEBUG"):
        Console().page("".join(traceback.format_exception(error)).rstrip())
    return error.exit_code


def _as_usage_error(error: typer.TyperException) -> UgatitError:
    text = error.format_message().replace("Value error, ", "").removesuffix(".")
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "ugatit"
    ours = UsageError(text[:1].lower() + text[1:], hint=f"{path} --help shows how it is used", name="command-line")
    ours.__cause__ = error
    return ours


@contextmanager
def _ending_with_the_pipe() -> Iterator[None]:
    """Whoever read the output has gone, as `head` does: that is no error, but the end."""
    try:
        yield
    except BrokenPipeError as error:
        # or else Python, at its end, tries once more and complains
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(128 + 13) from error


app = typer.Typer(
    cls=Program,
    epilog=EXIT_CODES,
    invoke_without_command=True,
    **SETTINGS,
)


@app.callback()
def start(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.", is_eager=True)] = False,
) -> None:
    """Turn photographs into the pictures of another world, and teach it new ones: U-GAT-IT."""
    if version:
        Console().write(f"ugatit {__version__}\n".encode())
        raise typer.Exit
    if context.invoked_subcommand is None:
        Console().page(context.get_help())
        raise typer.Exit(ExitCode.USAGE)


def main() -> None:
    """What the installed `ugatit` runs."""
    _start_quickly()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _end)
    app()


def _start_quickly() -> None:
    """A tenth of the time that one picture takes."""
    gc.set_threshold(50_000, *gc.get_threshold()[1:])  # what is loaded stays, and there is a lot of it
    if sys.platform == "linux" and os.uname().machine == "x86_64":  # elsewhere PyTorch may share that library
        # threads of NumPy's, which multiplies nothing large here, and whose waiting would slow down the network's
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def _end(number: int, _frame: FrameType | None) -> None:
    """Put away what is open, and leave; whoever insists leaves at once. A batch has a gentler way (`watch_signals`)."""
    for again in (signal.SIGINT, signal.SIGTERM):
        signal.signal(again, lambda number, _frame: os._exit(128 + number))
    sys.exit(128 + number)
