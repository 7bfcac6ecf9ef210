"""The studies by name: what can be said of them without importing any, and each when it is wanted."""

import importlib
from collections.abc import Iterator, Mapping
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from typing import Any

GROUP = "jaxmem.studies"
"""The entry points by which another package declares its studies: name = "module:Class"."""


class Registry(Mapping[str, type[Any]]):
    """Name → study. Names and first lines cost nothing; a look-up imports the file named after the study.

    Studies of other packages come after our own, under the names of their entry points; a name of ours stays
    ours.
    """

    def __init__(self, entries: Mapping[str, tuple[str, str]]):
        """Take name → (class, first line of its docstring)."""
        self._entries = dict(entries)

    @cached_property
    def _others(self) -> dict[str, EntryPoint]:
        return {one.name: one for one in entry_points(group=GROUP) if one.name not in self._entries}

    def __getitem__(self, name: str) -> type[Any]:
        if name in self._entries:
            class_name, _ = self._entries[name]
            module = importlib.import_module(f"jaxmem.studies.{name.replace('-', '_')}")
            return getattr(module, class_name)
        entry = self._others[name]
        try:
            return entry.load()
        except Exception as error:
            raise ValueError(
                f"study {name} of {_home(entry)} cannot be loaded: {type(error).__name__}: {error}."
            ) from error

    def __contains__(self, name: object) -> bool:
        return name in self._entries or name in self._others

    def __iter__(self) -> Iterator[str]:
        return iter([*self._entries, *self._others])

    def __len__(self) -> int:
        return len(self._entries) + len(self._others)

    def classes(self) -> dict[str, str]:
        """Name → name of its class, of our own."""
        return {name: class_name for name, (class_name, _) in self._entries.items()}

    def summaries(self) -> dict[str, str]:
        """Name → what it asks, in one line; of another package's, whose it is, since that imports nothing."""
        ours = {name: summary for name, (_, summary) in self._entries.items()}
        return ours | {name: f"From the package {_home(entry)}." for name, entry in self._others.items()}


def _home(entry: EntryPoint) -> str:
    return entry.value.split(":")[0] if entry.dist is None else entry.dist.name
