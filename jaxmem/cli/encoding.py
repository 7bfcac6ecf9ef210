"""Symbols on terminals and in pipes that cannot show them: written out, never an error."""

import codecs
import sys
import unicodedata

PLAIN = {
    "–": "-",
    "—": "-",
    "−": "-",
    "→": "->",
    "≥": ">=",
    "≤": "<=",
    "≈": "~",
    "∝": "~",
    "±": "+-",
    "⁄": "/",
    "×": "x",
    "·": "*",
    "√": "sqrt",
    "‖": "||",
    "∞": "inf",
    "∫": "integral",
    "∈": "in",
    "∂": "d",
    "∇": "grad",
    "λ": "lambda",
    "Λ": "Lambda",  # Unicode has it as lamda
}
"""What Unicode has no decomposition for."""


def degrade_output() -> None:
    """Let standard output and error write out what their encoding lacks: sigma for σ."""
    codecs.register_error("jaxmem", _written_out)
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="jaxmem")


def written_out(text: str) -> str:
    """`text` in ASCII."""
    return text.encode("ascii", "replace").decode() if text.isascii() else "".join(map(_one, text))


def _one(symbol: str) -> str:
    if symbol.isascii():
        return symbol
    if symbol in PLAIN:
        return PLAIN[symbol]
    if unicodedata.combining(symbol):
        return ""
    name = unicodedata.name(symbol, "")
    if name.startswith("GREEK "):
        word = name.split(" WITH ")[0].split()[-1].lower()
        return word.capitalize() if "CAPITAL" in name else word
    decomposed = unicodedata.normalize("NFKD", symbol)
    return "?" if decomposed == symbol else "".join(map(_one, decomposed))


def _written_out(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return written_out(error.object[error.start : error.end]), error.end
