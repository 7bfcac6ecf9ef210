"""Being told to stop: a terminal's Ctrl-C, a queue's SIGTERM, a lost connection's SIGHUP.

Each ends a run after the chunk in progress, with one sentence and the status that a shell gives to the
signal. While modules are imported it only waits: what is raised inside an import may be swallowed there.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

WORDS = {"SIGINT": "interrupted", "SIGTERM": "stopped by SIGTERM", "SIGHUP": "stopped by SIGHUP"}
"""What is said, by signal; a platform may lack some."""

_state: dict[str, Any] = {"held": False, "waiting": None}


class Stopped(KeyboardInterrupt):
    """A signal to stop; its number makes the exit status."""

    def __init__(self, number: int):
        super().__init__(number)
        self.status = 128 + number
        self.words = WORDS[signal.Signals(number).name]


def listen() -> None:
    """From now on, raise `Stopped` in the main thread; a signal that is ignored, as under nohup, stays so."""
    if threading.current_thread() is not threading.main_thread():
        return
    for name in WORDS:
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _receive)


@contextmanager
def held() -> Iterator[None]:
    """Let signals wait until the block has ended."""
    _state.update(held=True, waiting=None)
    try:
        yield
    finally:
        _state["held"] = False
    if _state["waiting"] is not None:
        raise Stopped(_state["waiting"])


def _receive(number: int, frame: Any) -> None:
    if _state["held"]:
        _state["waiting"] = number
    else:
        raise Stopped(number)
