"""Figures as files."""

import os
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

SUFFIXES = (".png", ".pdf", ".svg")


def check_figure_path(path: str | os.PathLike[str]) -> Path:
    """Refuse, before anything is computed, a file that `save` could not write.

    Raises:
        ValueError: the name does not end in .png, .pdf or .svg.
        OSError: the file cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() not in SUFFIXES:
        raise ValueError(
            f"figure must end in {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}, got {str(path)!r}."
        )
    folder = next(folder for folder in path.absolute().parents if folder.exists())
    if path.is_dir():
        reason = "it is a directory"
    elif not folder.is_dir():
        reason = f"{str(folder)!r} is not a directory"
    elif not os.access(path if path.exists() else folder, os.W_OK):
        reason = "permission denied"
    else:
        return path
    raise OSError(f"cannot write figure {str(path)!r}: {reason}.")


def save(figure: Figure, path: str | os.PathLike[str], *, dots_per_inch: int = 200) -> None:
    """Write a figure in the format of the file's suffix, making the folders above it.

    Raises:
        ValueError: the name does not end in .png, .pdf or .svg.
        OSError: the file cannot be written.
    """
    path = check_figure_path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with matplotlib.rc_context({"pdf.fonttype": 42}):  # text as TrueType, which journals ask for
            figure.savefig(path, dpi=dots_per_inch)
    except OSError as error:
        raise OSError(f"cannot write figure {str(path)!r}: {error.strerror or error}.") from error
