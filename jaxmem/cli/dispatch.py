"""From words to a command: what it raises becomes one sentence and an exit status."""

import os
import sys
from collections.abc import Sequence

from jaxmem.cli.commands import COMMANDS
from jaxmem.cli.encoding import degrade_output
from jaxmem.cli.options import options_of_parameters, sections_of
from jaxmem.cli.parser import Parser, UsageError
from jaxmem.cli.signals import Stopped, held, listen

TRACEBACK = "--traceback"

OVERVIEW = "When does a generative model copy its training samples? Simulation beside the exact theory."

EXAMPLES = (
    "jaxmem list",
    "jaxmem run kernel-onset --quick --figure kernel-onset.png",
    "jaxmem show results/kernel-onset-quick.zarr",
    "jaxmem plot results/kernel-onset-quick.zarr -o figure.pdf",
    "jaxmem measure --generated generated.npy --train train.npy --held-out test.npy",
)

MISUSED = 2
"""Exit status where a flag or a value cannot be understood."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    listen()
    degrade_output()
    words = list(sys.argv[1:] if arguments is None else arguments)
    if TRACEBACK in words:
        words.remove(TRACEBACK)
        _dispatch(words)
        return 0
    try:
        _dispatch(words)
        sys.stdout.flush()
    except KeyboardInterrupt as stop:
        said, status = (stop.words, stop.status) if isinstance(stop, Stopped) else ("interrupted", 130)
        kept = (
            "; finished chunks are kept, the same command continues from them" if "run" in words[:1] else ""
        )
        return _fail(f"{said}{kept}.", status)
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except Exception as error:
        return _explain(error)
    return 0


def _explain(error: Exception) -> int:
    """What went wrong, in one sentence."""
    if isinstance(error, UsageError):
        return _fail(str(error), MISUSED)
    if isinstance(error, MemoryError):
        return _fail("out of memory; try a smaller --memory-budget, --chunk-size, or sizes of the study.")
    if isinstance(error, ValueError | OSError) or _is_sweep_error(error):
        return _fail(str(error))
    first = (str(error).splitlines() or [""])[0]
    return _fail(f"{type(error).__name__}: {first} (the same command with {TRACEBACK} tells more)")


def _is_sweep_error(error: Exception) -> bool:
    """Of the store or the workers; without importing the sweep, and so JAX, for an error before it."""
    sweeping = sys.modules.get("jaxmem.sweeping")
    return sweeping is not None and isinstance(error, sweeping.StoreError | sweeping.WorkersError)


def _fail(sentence: str, status: int = 1) -> int:
    print(f"jaxmem: {sentence}", file=sys.stderr)
    return status


def _dispatch(words: list[str]) -> None:
    command, rest = (words[0], words[1:]) if words else ("--help", [])
    if command == "run":
        with held():
            from jaxmem import plotting, statistics, sweeping  # noqa: F401, PLC0415 - they load JAX
            from jaxmem.cli.running import run_words  # noqa: PLC0415

        run_words(rest)
    elif command in COMMANDS:
        _call(command, rest)
    elif command in ("-h", "--help"):
        print(_overview())
    elif command == "--version":
        from jaxmem import __version__  # noqa: PLC0415

        print(f"jaxmem {__version__}")
    else:
        raise ValueError(f"the command must be one of run, {', '.join(COMMANDS)}, got {command!r}.")


def _call(name: str, words: list[str]) -> None:
    """Run a command of `COMMANDS` with its parameters from words and flags."""
    command = COMMANDS[name]
    description, _, examples = sections_of(command)
    parser = Parser(f"jaxmem {name}", description, options_of_parameters(command), examples)
    if "-h" in words or "--help" in words:
        print(parser.format_help())
        return
    command(**parser.parse(words))


def _overview() -> str:
    lines = ["usage: jaxmem COMMAND ...", "", OVERVIEW, ""]
    lines.append(f"  {'run STUDY ...':19s}Run a study over its grid, or continue where its store left off.")
    for name, command in COMMANDS.items():
        lines.append(f"  {name:19s}{(command.__doc__ or '').strip().splitlines()[0]}")
    lines += ["", "examples", *(f"  {example}" for example in EXAMPLES), ""]
    lines += ["jaxmem COMMAND --help explains each; --traceback shows where an error came from."]
    return "\n".join(lines)
