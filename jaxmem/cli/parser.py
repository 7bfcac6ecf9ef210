"""Options as an argument parser: plain help, and one sentence for what cannot be understood."""

import argparse
import difflib
import re
import shutil
import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from jaxmem.cli.options import (
    MISSING,
    NOUNS,
    Option,
    accepts_many,
    accepts_none,
    accepts_one,
    atom,
    choices_of,
    metavar,
    tuple_length,
)

WIDEST = 100
"""Columns of a help on a wide terminal."""

NEGATIVE = re.compile(r"-(\d|\.\d|inf)")


class UsageError(Exception):
    """Words that cannot be understood; the message is one sentence."""


class Parser(argparse.ArgumentParser):
    """An argument parser that raises instead of printing and leaving, and whose help has its own layout."""

    def __init__(
        self, program: str, description: str, options: Sequence[Option], examples: Sequence[str] = ()
    ):
        """Take what there is to set; `examples` are whole command lines."""
        super().__init__(prog=program, add_help=False, allow_abbrev=False, exit_on_error=False)
        self._description, self._options, self._examples = description, list(options), list(examples)
        for option in options:
            _add(self, option)

    def parse(self, words: Sequence[str]) -> dict[str, Any]:
        """Name → value of every option that was given.

        Raises:
            UsageError: a word is unknown, missing, or of another kind.
        """
        known = {flag for option in self._options for flag in option.flags}
        try:
            found, rest = self.parse_known_args([_plain_word(word) for word in words])
        except argparse.ArgumentError as error:
            raise UsageError(_sentence(error)) from None
        for word in rest:
            raise UsageError(_unknown(word.strip(), known, self.prog))
        return vars(found)

    def error(self, message: str) -> NoReturn:
        """Raise what argparse would print."""
        names = message.partition("required: ")[2]
        if names:
            raise UsageError(f"{self.prog} needs {names}; {self.prog} --help explains.")
        raise UsageError(f"{message}.")

    def format_help(self) -> str:
        """The whole help."""
        width = min(shutil.get_terminal_size((80, 24)).columns, WIDEST)
        words = [_usage_of(option) for option in self._options if option.positional]
        needed = [_usage_of(o) for o in self._options if not o.positional and o.default is MISSING]
        lines = [" ".join(["usage:", self.prog, *words, *needed, "[--FLAG VALUE ...]"]), ""]
        for paragraph in self._description.split("\n\n"):
            set_off = paragraph.startswith("    ")
            lines += [paragraph if set_off else textwrap.fill(paragraph, width, break_on_hyphens=False), ""]
        for group in dict.fromkeys(option.group for option in self._options):
            lines += [textwrap.fill(group, width)]
            for option in self._options:
                if option.group == group:
                    lines += _explained(option, width)
            lines += [""]
        if self._examples:
            lines += ["examples", *(f"  {example}" for example in self._examples), ""]
        return "\n".join(lines)


def _add(parser: argparse.ArgumentParser, option: Option) -> None:
    settings: dict[str, Any] = {"default": argparse.SUPPRESS}
    if atom(option.kind) is bool:
        settings["action"] = argparse.BooleanOptionalAction
    else:
        settings |= {"type": _Converter(option), "metavar": _shown(option)}
    if accepts_many(option.kind):
        length = tuple_length(option.kind)
        settings["nargs"] = length or ("+" if accepts_one(option.kind) else "*")
        settings["action"] = _Several
        settings["const"] = accepts_one(option.kind)  # one value stays one where that is allowed
    if option.positional:
        parser.add_argument(option.name, **settings)
    else:
        parser.add_argument(*option.flags, dest=option.name, required=option.default is MISSING, **settings)


class _Several(argparse.Action):
    """Values as a tuple; a single one, or None, alone where `const` says so."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        """Store them."""
        alone = len(values) == 1 and (self.const or values[0] is None)
        if None in values and not alone:
            raise argparse.ArgumentError(self, "None cannot stand among other values")
        setattr(namespace, self.dest, values[0] if alone else tuple(values))


class _Converter:
    """A word as the value that an option takes."""

    def __init__(self, option: Option):
        self._option = option

    def __call__(self, word: str) -> Any:
        """Convert one word."""
        kind, word = self._option.kind, word.strip()
        if accepts_none(kind) and word.lower() == "none":
            return None
        choices, one = choices_of(kind), atom(kind)
        if choices:
            for choice in choices:
                if str(choice) == word:
                    return choice
            raise argparse.ArgumentTypeError(f"one of {', '.join(map(str, choices))}\n{word}")
        try:
            return _number(one, word) if one in (int, float) else one(word)
        except (ValueError, OverflowError):
            noun = NOUNS.get(one, ("", f"of type {getattr(one, '__name__', one)}"))[1]
            none = " or None" if accepts_none(kind) else ""
            raise argparse.ArgumentTypeError(f"{noun}{none}\n{word}") from None


def _number(kind: type, word: str) -> int | float:
    """1e4 is a whole number too."""
    if kind is float:
        return float(word)
    try:
        return int(word)
    except ValueError:
        value = float(word)
        if value != int(value):
            raise
        return int(value)


def _plain_word(word: str) -> str:
    """--reference_size is --reference-size; a negative number in any notation is no flag."""
    if NEGATIVE.match(word):
        return f" {word}"
    if word.startswith("--"):
        name, equals, value = word.partition("=")
        return name.replace("_", "-") + equals + value
    return word


def _sentence(error: argparse.ArgumentError) -> str:
    """`--seed must be a whole number, got '1.5'.` for what argparse says."""
    wanted, newline, word = error.message.partition("\n")
    if newline:
        return f"{_name(error)} must be {wanted}, got {word!r}."
    if error.message.startswith("ignored explicit argument"):
        return (
            f"{_name(error)} takes no value, got {error.message.removeprefix('ignored explicit argument ')}."
        )
    if error.message.startswith("expected"):
        return f"{_name(error)} needs {error.message.removeprefix('expected ').replace('argument', 'value')}."
    return f"{_name(error)}: {error.message}."


def _name(error: argparse.ArgumentError) -> str:
    return error.argument_name.split("/")[0] if error.argument_name else "the command line"


def _unknown(word: str, known: Iterable[str], program: str) -> str:
    """What was meant, where it is near."""
    if not word.startswith("-"):
        return f"{program} cannot place the word {word!r}; {program} --help explains."
    name = word.partition("=")[0]
    near = difflib.get_close_matches(name, list(known), 1)
    meant = f"did you mean {near[0]}?" if near else f"{program} --help names those there are."
    return f"{program} has no flag {name}; {meant}"


def _shown(option: Option) -> str:
    return option.name.upper() if option.positional else metavar(option)


def _usage_of(option: Option) -> str:
    return _shown(option) if option.positional else f"{option.flags[-1]} {_shown(option)}"


def _explained(option: Option, width: int) -> list[str]:
    """A flag with its value on one line, its meaning and default below."""
    value = "" if atom(option.kind) is bool else f" {_shown(option)}"
    if accepts_many(option.kind):
        length = tuple_length(option.kind)
        value = value * length if length else f"{value} ..."
    names = option.flags
    if atom(option.kind) is bool:
        names = [option.flag, f"--no-{option.name.replace('_', '-')}"]
    head = _shown(option) if option.positional else ", ".join(names) + value
    choices = choices_of(option.kind)
    listed = f"Names: {', '.join(map(str, choices))}." if choices and _shown(option) == "NAME" else ""
    meaning = " ".join(filter(None, [" ".join(option.help.split()), listed, _default(option)]))
    body = textwrap.wrap(meaning, width - 6, break_on_hyphens=False)
    return [f"  {head}", *(f"      {line}" for line in body)]


def _default(option: Option) -> str:
    if option.default is MISSING:
        return ""
    return f"(default: {default_text(option.default)})"


def default_text(value: Any) -> str:
    """A default as it would be typed."""
    if isinstance(value, tuple):
        return " ".join(map(default_text, value)) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    return "none" if value is None else str(Path(value) if isinstance(value, Path) else value)
