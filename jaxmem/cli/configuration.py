"""A run as a TOML file: written beside its store, read by `jaxmem run --config FILE`."""

import json
import math
import os
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jaxmem.cli.options import FILES, Option, atom

STUDY = "study"


def configuration_path(store: Path) -> Path:
    """Beside the store: results/kernel-onset.zarr has results/kernel-onset.toml."""
    place = store.expanduser().absolute()
    return place.with_name(f"{place.name.removesuffix('.zarr')}.toml")


def write_configuration(path: Path, study: str, options: Sequence[Option], values: Mapping[str, Any]) -> None:
    """Write what was run; what is None has no place in TOML and is its own default.

    Relative paths in `values` must be relative to the file.

    Raises:
        OSError: the file cannot be written.
    """
    top = [f"{STUDY} = {json.dumps(study)}"]
    tables: dict[str, list[str]] = {}
    for option in options:
        value = values[option.name]
        if value is not None:
            lines = tables.setdefault(option.owner, []) if option.owner else top
            lines.append(f"{option.field} = {_text(value)}")
    blocks = ["\n".join(top), *("\n".join([f"[{name}]", *lines]) for name, lines in tables.items())]
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    partial.write_text("\n\n".join(blocks) + "\n", encoding="utf-8")
    partial.replace(path)  # never half a file


def study_of(path: Path) -> str:
    """The study that a file is of.

    Raises:
        ValueError: the file is no configuration.
    """
    found = _read(path).get(STUDY)
    if not isinstance(found, str):
        raise ValueError(f'config must name its study, as in study = "kernel-onset", got {str(path)!r}.')
    return found


def read_configuration(path: Path, study: str, options: Sequence[Option]) -> dict[str, Any]:
    """Name → value of what a file sets.

    Raises:
        ValueError: the file is of another study, or sets what the study does not have.
    """
    known = {(option.owner, option.field): option for option in options}
    if study_of(path) != study:
        raise ValueError(f"config must be of {study}, got {str(path)!r}, which is of {study_of(path)}.")
    found: dict[str, Any] = {}
    for name, value in _read(path).items():
        if name == STUDY:
            continue
        nested = isinstance(value, dict)
        table = {(name, key): one for key, one in value.items()} if nested else {("", name): value}
        for place, one in table.items():
            if place not in known:
                written = ".".join(filter(None, place))
                raise ValueError(f"config must set fields of {study} only, got {written} in {str(path)!r}.")
            option = known[place]
            found[option.name] = tuple(one) if isinstance(one, list) else _placed(path, option, one)
    return found


def _placed(path: Path, option: Option, value: Any) -> Any:
    """A path in the file starts where the file is."""
    if option.field not in FILES or not isinstance(value, str):
        return value
    place = Path(path).absolute().parent / Path(value).expanduser()
    return place if atom(option.kind) is Path else str(place)


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ValueError(f"config must be a TOML file, got {str(path)!r}, where there is none.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"config must be a TOML file, got {str(path)!r}: {error}.") from None


def _text(value: Any) -> str:
    """A value in TOML."""
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(_text, value))}]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)  # inf, -inf and nan are TOML's words too
    if isinstance(value, int | float):
        return repr(value)
    return json.dumps(str(value), ensure_ascii=False)
