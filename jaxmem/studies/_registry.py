"""The studies by name: what can be said of them without importing any, and each when it is wanted."""

import importlib
from collections.abc import Iterator, Mapping
from typing import Any


class Registry(Mapping[str, type[Any]]):
    """Name → study. Names and first lines cost nothing; a look-up imports the file named after the study."""

    def __init__(self, entries: Mapping[str, tuple[str, str]]):
        """Take name → (class, first line of its docstring)."""
        self._entries = dict(entries)

    def __getitem__(self, name: str) -> type[Any]:
        class_name, _ = self._entries[name]
        module = importlib.import_module(f"jaxmem.studies.{name.replace('-', '_')}")
        return getattr(module, class_name)

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def classes(self) -> dict[str, str]:
        """Name → name of its class."""
        return {name: class_name for name, (class_name, _) in self._entries.items()}

    def summaries(self) -> dict[str, str]:
        """Name → what it asks, in one line."""
        return {name: summary for name, (_, summary) in self._entries.items()}
