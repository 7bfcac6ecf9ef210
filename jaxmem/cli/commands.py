"""The commands that are plain functions: their parameters are their words and flags."""

from collections.abc import Callable
from pathlib import Path
from typing import Literal

from jaxmem.cli.measuring import measure
from jaxmem.studies import STUDIES


def list_studies() -> None:
    """List the studies that can be run.

    Examples:
        jaxmem list
    """
    for name, summary in STUDIES.summaries().items():
        print(f"{name:20s}{summary}")


def show(store: Path, *, format: Literal["table", "csv", "json"] = "table", confidence: float = 0.95) -> None:  # noqa: A002
    """Print the summary of a store: probabilities, means and their intervals at every point of the grid.

    Args:
        store: directory written by `jaxmem run`.
        format: a table to read, or CSV (a line per grid point) or JSON to read on with.
        confidence: of the intervals, above 0 and below 1.

    Examples:
        jaxmem show results/kernel-onset.zarr
        jaxmem show results/kernel-onset.zarr --format csv > kernel-onset.csv
    """
    from jaxmem.statistics import summarise, summary_table  # noqa: PLC0415 - JAX loads only where it is needed
    from jaxmem.statistics.export import as_csv, as_json  # noqa: PLC0415
    from jaxmem.sweeping import open_store  # noqa: PLC0415

    dataset = open_store(store, load=True)
    if format == "table":
        print(summary_table(dataset, confidence=confidence))
    else:
        write = as_csv if format == "csv" else as_json
        print(write(summarise(dataset, confidence=confidence)), end="")


def plot(
    store: Path,
    *,
    output: Path,
    panels: tuple[str, ...] | None = None,
    size: tuple[float, float] | None = None,
    dots_per_inch: int = 200,
    confidence: float = 0.95,
) -> None:
    """Draw the figure of a store, with the theory where there is one.

    Args:
        store: directory written by `jaxmem run`.
        output: file to write (.png, .pdf or .svg).
        panels: variables to draw, a panel each; by default those that the study declares.
        size: width and height of the figure (inches); by default what its panels need.
        dots_per_inch: resolution of a .png (a count).
        confidence: of the intervals, above 0 and below 1.

    Examples:
        jaxmem plot results/kernel-onset.zarr -o figure.png
        jaxmem plot results/kernel-onset.zarr -o figure.pdf --panels delta hellinger_squared --size 6.6 3
    """
    from jaxmem import _checks as check  # noqa: PLC0415
    from jaxmem.plotting import check_figure_path, save  # noqa: PLC0415
    from jaxmem.plotting import plot as draw  # noqa: PLC0415
    from jaxmem.sweeping import open_store  # noqa: PLC0415

    check_figure_path(output)
    check.positive_integer("dots_per_inch", dots_per_inch)
    figure = draw(open_store(store, load=True), panels=panels, size=size, confidence=confidence)
    save(figure, output, dots_per_inch=dots_per_inch)
    print(f"figure: {output}")


def report(stores: tuple[Path, ...], *, output: Path, confidence: float = 0.95) -> None:
    """Write a page of stores that opens offline: interactive figures, tables, how they were made.

    Args:
        stores: directories written by `jaxmem run`.
        output: file to write (.html).
        confidence: of the intervals, above 0 and below 1.

    Examples:
        jaxmem report results/kernel-onset.zarr -o report.html
        jaxmem report results/*.zarr -o all.html
    """
    from jaxmem.reporting import report as write  # noqa: PLC0415

    print(f"report: {write(list(stores), output, confidence=confidence)}")


def check(store: Path) -> None:
    """Look for replicates that a store has lost: marked as complete, but not what was written any more.

    The next run into the store computes them again.

    Args:
        store: directory written by `jaxmem run`.

    Examples:
        jaxmem check results/kernel-onset.zarr
    """
    from jaxmem.sweeping import StoreError, check_store  # noqa: PLC0415

    lost = check_store(store)
    if lost:
        raise StoreError(f"store {str(store)!r} has lost {lost} finished replicates; the next run mends it.")
    print(f"store {str(store)!r} holds what was written")


def completion(shell: Literal["bash", "zsh", "tcsh"]) -> None:
    """Print a script that completes commands, studies and flags in a shell.

    Args:
        shell: the shell that is to read it.

    Examples:
        jaxmem completion bash > ~/.local/share/bash-completion/completions/jaxmem
        jaxmem completion zsh > ~/.zfunc/_jaxmem
    """
    from jaxmem.cli.completion import script  # noqa: PLC0415

    print(script(shell), end="")


COMMANDS: dict[str, Callable[..., None]] = {
    "list": list_studies,
    "show": show,
    "plot": plot,
    "report": report,
    "check": check,
    "measure": measure,
    "completion": completion,
}
"""Every command but `run`, by name."""
