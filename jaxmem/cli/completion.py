"""Shell completion: the whole command line as one parser, from which shtab writes a script.

The script holds every word itself, so that pressing Tab starts no Python.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import shtab

from jaxmem.cli.commands import COMMANDS
from jaxmem.cli.options import FILES, Option, atom, choices_of, options_of_parameters
from jaxmem.cli.running import options_of
from jaxmem.studies import STUDIES


def script(shell: str) -> str:
    """The script that completes `jaxmem` in a shell: bash, zsh or tcsh."""
    return shtab.complete(_everything(), shell=shell) + "\n"


def _everything() -> argparse.ArgumentParser:
    root = argparse.ArgumentParser("jaxmem")
    root.add_argument("--version", action="store_true", help="the version")
    commands = root.add_subparsers()
    for name, command in COMMANDS.items():
        first = (command.__doc__ or "").strip().splitlines()[0]
        _fill(commands.add_parser(name, help=first), options_of_parameters(command))
    studies = commands.add_parser("run", help="Run a study.").add_subparsers()
    for name, summary in STUDIES.summaries().items():
        _fill(studies.add_parser(name, help=summary), options_of(name))
    return root


def _fill(parser: argparse.ArgumentParser, options: Sequence[Option]) -> None:
    for option in options:
        summary = option.help.split(" (")[0].split(";")[0].replace("%", "%%")
        if atom(option.kind) is bool:
            parser.add_argument(option.flag, action=argparse.BooleanOptionalAction, help=summary)
            continue
        names = [option.name] if option.positional else option.flags
        action = parser.add_argument(*names, help=summary, choices=choices_of(option.kind) or None)
        if option.name in FILES or atom(option.kind) is Path:
            action.complete = shtab.FILE  # type: ignore[attr-defined]
