"""The command line: `jaxmem list`, `jaxmem run STUDY`, `jaxmem show STORE`, `jaxmem plot STORE -o FILE`.

A study's fields are its flags; nothing is said of a study here. Results and tables go to standard output,
progress to standard error; every error is one sentence and a non-zero exit status.
"""

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any

import tyro

from jaxmem.studies import STUDIES, Study
from jaxmem.sweeping import StoreError

TRACEBACK = "--traceback"


@dataclass(frozen=True)
class Run:
    """How the sweep is run."""

    replicates: int = 300
    """Independent data sets per grid point (a count, at least 1)."""

    seed: int = 0
    """Seed of all randomness (a whole number from 0 to 2³² − 1)."""

    store: Path | None = None
    """Directory of the Zarr store, continued if it exists; by default results/STUDY.zarr."""

    figure: Path | None = None
    """Also draw the figure to this file (.png, .pdf or .svg)."""

    chunk_size: int | None = None
    """Replicates computed and written together; by default what fits the memory, at most 64 (a count)."""

    memory_budget: int = 1024
    """Memory that the working arrays of a chunk may take (MiB)."""

    quiet: bool = False
    """Show no progress bar."""


def run(study: Study, options: Run) -> None:
    """Run a study over its grid, or continue where its store left off."""
    from jaxmem.plotting import check_figure_path  # noqa: PLC0415 - matplotlib loads only where it draws
    from jaxmem.statistics import summary_table  # noqa: PLC0415
    from jaxmem.sweeping import compilations, sweep  # noqa: PLC0415

    if options.figure is not None:
        check_figure_path(options.figure)
    store = options.store or Path("results") / f"{study.name}.zarr"
    dataset = sweep(
        study,
        replicates=options.replicates,
        seed=options.seed,
        store=store,
        chunk_size=options.chunk_size,
        memory_budget=options.memory_budget * 2**20,
        progress=not options.quiet,
    )
    print(summary_table(dataset))
    print(f"store: {store}")
    if options.figure is not None:
        plot(store, options.figure)
    if not options.quiet:
        print(f"compilations: {compilations()}{_padding_note(study)}", file=sys.stderr)


def list_studies() -> None:
    """List the studies that can be run."""
    for name, study in STUDIES.items():
        print(f"{name:20s}{(study.__doc__ or '').strip().splitlines()[0]}")


def show(store: Annotated[Path, tyro.conf.Positional]) -> None:
    """Print a summary table of a store.

    Args:
        store: directory written by `jaxmem run`.
    """
    from jaxmem.statistics import summary_table  # noqa: PLC0415
    from jaxmem.sweeping import open_store  # noqa: PLC0415

    print(summary_table(open_store(store)))


def plot(
    store: Annotated[Path, tyro.conf.Positional],
    output: Annotated[Path, tyro.conf.arg(aliases=["-o"])],
) -> None:
    """Draw the figure of a store, with the theory where there is one.

    Args:
        store: directory written by `jaxmem run`.
        output: file to write (.png, .pdf or .svg).
    """
    from jaxmem.plotting import plot as draw  # noqa: PLC0415
    from jaxmem.plotting import save  # noqa: PLC0415
    from jaxmem.sweeping import open_store  # noqa: PLC0415

    save(draw(open_store(store)), output)
    print(f"figure: {output}")


COMMANDS: dict[str, Callable[..., None]] = {"list": list_studies, "show": show, "plot": plot}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if TRACEBACK in words:
        words.remove(TRACEBACK)
        _dispatch(words)
        return 0
    try:
        _dispatch(words)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return _fail("interrupted; finished chunks are kept, the same command continues from them.", 130)
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (ValueError, StoreError, OSError) as error:
        return _fail(str(error))
    except MemoryError:
        return _fail("out of memory; try a smaller --memory-budget or --chunk-size.")
    except Exception as error:
        first = (str(error).splitlines() or [""])[0]
        return _fail(f"{type(error).__name__}: {first} (the same command with {TRACEBACK} tells more)")
    return 0


def _fail(sentence: str, status: int = 1) -> int:
    print(f"jaxmem: {sentence}", file=sys.stderr)
    return status


def _dispatch(words: list[str]) -> None:
    command, rest = (words[0], words[1:]) if words else ("--help", [])
    if command == "run":
        _run_words(rest)
    elif command in COMMANDS:
        tyro.cli(COMMANDS[command], prog=f"jaxmem {command}", args=rest)
    elif command in ("-h", "--help"):
        print(_overview())
    elif command == "--version":
        from jaxmem import __version__  # noqa: PLC0415

        print(f"jaxmem {__version__}")
    else:
        raise ValueError(f"the command must be one of run, {', '.join(COMMANDS)}, got {command!r}.")


def _run_words(words: list[str]) -> None:
    if not words:
        raise ValueError(f"run needs the name of a study, one of {', '.join(STUDIES)}.")
    name, rest = words[0], words[1:]
    if name in ("-h", "--help"):
        for study in STUDIES:
            _explain(study)
    elif name in STUDIES:
        _with_flags(name, rest)
    else:
        raise ValueError(f"the study must be one of {', '.join(STUDIES)}, got {name!r}.")


def _with_flags(name: str, words: list[str]) -> None:
    """Run a study with its fields, those nested in them and those of `Run` as flags on one level."""
    study = STUDIES[name]
    unchecked = _unchecked(study)
    both: Any = tuple.__class_getitem__((unchecked, Run))
    configuration, options = tyro.cli(
        both,
        default=(unchecked(), Run(replicates=study.default_replicates)),
        prog=f"jaxmem run {name}",
        description=study.__doc__,
        args=words,
        config=(tyro.conf.OmitArgPrefixes,),
    )
    values = {field.name: getattr(configuration, field.name) for field in fields(study)}
    run(study(**values), options)


def _unchecked(study: type[Study]) -> type[Study]:
    """The same fields without their checks: what a parser refuses, it wraps into a box of its own."""
    checks = {"__post_init__": lambda self: None}
    return type(study.__name__, (study,), checks | {"__doc__": study.__doc__, "__module__": study.__module__})


def _explain(study: str) -> None:
    try:
        _with_flags(study, ["--help"])
    except SystemExit:
        print()


def _overview() -> str:
    lines = ["usage: jaxmem COMMAND ...", "", (__doc__ or "").strip().splitlines()[0], ""]
    lines += [f"  run STUDY ...      {(run.__doc__ or '').strip()}"]
    for name, command in COMMANDS.items():
        lines.append(f"  {name:19s}{(command.__doc__ or '').strip().splitlines()[0]}")
    lines += ["", "jaxmem COMMAND --help explains each; --traceback shows where an error came from."]
    return "\n".join(lines)


def _padding_note(study: Study) -> str:
    wasted = study.padding_wasted()
    return "" if wasted is None else f"; padding wasted: {wasted:.0%}"


if __name__ == "__main__":
    sys.exit(main())
