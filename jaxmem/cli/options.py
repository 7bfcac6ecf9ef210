"""What a person may set, as it is written once: a dataclass's fields or a function's parameters."""

import ast
import dataclasses
import inspect
import itertools
import re
import textwrap
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MISSING = dataclasses.MISSING

GRID = "grid: a result for every combination of these"
NUMBERS = "numbers: several values of one make it an axis of the grid"
SETTINGS = "settings"
ORDER = (GRID, NUMBERS, SETTINGS)

FILES = ("store", "figure", "output", "config", "covariance", "samples")
"""What names a file or a folder, where it takes one value."""

LONGEST_CHOICES = 60
"""Longer lists are told in the meaning of a flag instead of beside it."""

SHORT = {"output": "-o"}


@dataclass(frozen=True)
class Option:
    """One flag or, where `positional`, one word.

    Attributes:
        name: of the field or parameter; with `owner` before it where another option has that name.
        kind: its annotation.
        default: what it is when nothing is said; MISSING where something must be.
        help: what it means.
        group: the title that it stands under in a help.
        owner: the field of nested settings that holds it, or "".
        field: the name that it has in its owner.
        positional: whether it is given without its name.
    """

    name: str
    kind: Any
    default: Any
    help: str
    group: str = SETTINGS
    owner: str = ""
    field: str = ""
    positional: bool = False

    @property
    def flag(self) -> str:
        """As it is typed."""
        return f"--{self.name.replace('_', '-')}"

    @property
    def flags(self) -> list[str]:
        """With its short form, where it has one."""
        return [self.flag, *([SHORT[self.name]] if self.name in SHORT else [])]


def options_of_fields(settings: Any, group: str = "", owner: str = "") -> list[Option]:
    """The fields of a dataclass and of the dataclasses nested in it, with their values as defaults.

    Args:
        settings: an instance, whose fields are documented by the strings below them.
        group: the title for all of them; by default one that says what a field can be.
        owner: the field that holds `settings`.
    """
    hints, documented = typing.get_type_hints(type(settings)), field_docstrings(type(settings))
    found: list[Option] = []
    nested: list[Option] = []
    for field in dataclasses.fields(settings):
        value, kind = getattr(settings, field.name), hints[field.name]
        if dataclasses.is_dataclass(value):
            title = f"{field.name.replace('_', ' ')}: {documented.get(field.name, '')}".rstrip(": .")
            nested += options_of_fields(value, title, field.name)
            continue
        found.append(
            Option(
                field.name,
                kind,
                value,
                documented.get(field.name, ""),
                group or _group_of(field, kind),
                owner,
                field.name,
            )
        )
    if not group:
        found.sort(key=lambda option: ORDER.index(option.group))
    return distinct(found + nested)


def distinct(options: Sequence[Option]) -> list[Option]:
    """The later of two options of one name takes its owner's name before its own."""
    found: dict[str, Option] = {}
    for option in options:
        name = f"{option.owner}_{option.name}" if option.name in found else option.name
        found[name] = dataclasses.replace(option, name=name)
    return list(found.values())


def _group_of(field: "dataclasses.Field[Any]", kind: Any) -> str:
    if "coordinate" in field.metadata:
        return GRID
    if accepts_many(kind) and accepts_one(kind):
        return NUMBERS
    return SETTINGS


def options_of_parameters(function: Callable[..., Any]) -> list[Option]:
    """The parameters of a command: those without a default are words, keyword-only ones always flags."""
    hints = typing.get_type_hints(function)
    documented = sections_of(function)[1]
    found = []
    for parameter in inspect.signature(function).parameters.values():
        needed = parameter.default is inspect.Parameter.empty
        default = MISSING if needed else parameter.default
        positional = needed and parameter.kind is not inspect.Parameter.KEYWORD_ONLY
        name = parameter.name
        found.append(
            Option(name, hints[name], default, documented.get(name, ""), "options", positional=positional)
        )
    return found


def members(kind: Any) -> tuple[Any, ...]:
    """The alternatives of an annotation, without None."""
    union = typing.get_origin(kind) in (typing.Union, types.UnionType)
    return tuple(one for one in (typing.get_args(kind) if union else (kind,)) if one is not type(None))


def accepts_none(kind: Any) -> bool:
    """Whether None is among the alternatives."""
    return type(None) in typing.get_args(kind)


def accepts_many(kind: Any) -> bool:
    """Whether a tuple is among the alternatives."""
    return any(typing.get_origin(one) is tuple for one in members(kind))


def accepts_one(kind: Any) -> bool:
    """Whether a single value is among the alternatives."""
    return any(typing.get_origin(one) is not tuple for one in members(kind))


def tuple_length(kind: Any) -> int | None:
    """The number of values of a tuple of fixed length."""
    for one in members(kind):
        inner = typing.get_args(one)
        if typing.get_origin(one) is tuple and Ellipsis not in inner:
            return len(inner)
    return None


def atom(kind: Any) -> Any:
    """What one word of it is: int, float, bool, str, Path or a Literal."""
    first = members(kind)[0]
    return typing.get_args(first)[0] if typing.get_origin(first) is tuple else first


def choices_of(kind: Any) -> tuple[Any, ...]:
    """The words that a Literal allows; () where it is none."""
    one = atom(kind)
    return typing.get_args(one) if typing.get_origin(one) is typing.Literal else ()


NOUNS: Mapping[Any, tuple[str, str]] = {
    int: ("N", "a whole number"),
    float: ("X", "a number"),
    Path: ("PATH", "a path"),
    str: ("TEXT", "text"),
}
"""What stands for a value in a help, and what it is called in a sentence."""


def metavar(option: Option) -> str:
    """What stands for a value."""
    choices, one = choices_of(option.kind), atom(option.kind)
    if option.name in FILES and one is str:
        return "PATH"
    if choices:
        listed = "{" + ",".join(map(str, choices)) + "}"
        return listed if len(listed) <= LONGEST_CHOICES else "NAME"
    return NOUNS.get(one, ("VALUE", ""))[0]


def field_docstrings(owner: type) -> dict[str, str]:
    """Field → the string below it, on one line; of a class without source, nothing."""
    found: dict[str, str] = {}
    for one in reversed(owner.__mro__):
        try:
            tree = ast.parse(textwrap.dedent(inspect.getsource(one)))
        except (OSError, TypeError, SyntaxError):
            continue
        body = tree.body[0].body if isinstance(tree.body[0], ast.ClassDef) else []
        for field, below in itertools.pairwise(body):
            if (
                isinstance(field, ast.AnnAssign)
                and isinstance(field.target, ast.Name)
                and isinstance(below, ast.Expr)
                and isinstance(below.value, ast.Constant)
                and isinstance(below.value.value, str)
            ):
                found[field.target.id] = paragraphs(below.value.value)
    return found


def paragraphs(text: str) -> str:
    """A docstring without the line breaks of the source: paragraphs, and lines set off by indentation."""
    blocks = re.split(r"\n\s*\n", inspect.cleandoc(text))
    return "\n\n".join(block if block.startswith("    ") else " ".join(block.split()) for block in blocks)


def sections_of(function: Callable[..., Any]) -> tuple[str, dict[str, str], list[str]]:
    """A command's docstring: what it does, what each parameter is, examples."""
    text = inspect.getdoc(function) or ""
    before, _, examples = text.partition("\nExamples:\n")
    before, _, parameters = before.partition("\nArgs:\n")
    found: dict[str, str] = {}
    for entry in re.split(r"\n(?=    \S)", "\n" + parameters.rstrip()):
        name, _, meaning = entry.strip().partition(":")
        if name:
            found[name] = " ".join(meaning.split())
    lines = [line.strip() for line in examples.splitlines() if line.strip()]
    return paragraphs(before), found, lines
