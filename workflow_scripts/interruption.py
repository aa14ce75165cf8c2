"""Signals that stop a process: Ctrl-C, and the SIGTERM that a cluster sends at a time limit."""

import signal
from types import FrameType

_stopped = False


def raise_on_signals() -> None:
    """Let SIGTERM and SIGINT raise KeyboardInterrupt, also one that `note_signals` has noted."""
    signal.signal(signal.SIGTERM, _stop)
    # A shell makes its background jobs ignore Ctrl-C; keep that.
    if signal.getsignal(signal.SIGINT) in (signal.default_int_handler, _note):
        signal.signal(signal.SIGINT, _stop)
    raise_if_stopped()


def note_signals() -> None:
    """Let signals wait until `raise_on_signals`, while files are written that belong together."""
    for number in (signal.SIGTERM, signal.SIGINT):
        if signal.getsignal(number) is _stop:
            signal.signal(number, _note)


def raise_if_stopped() -> None:
    """Raise KeyboardInterrupt if a signal has arrived.

    Python drops the exception when the signal arrives inside a destructor or a callback of a
    library, so a long computation calls this now and then.
    """
    if _stopped:
        raise KeyboardInterrupt


def ignore_signals() -> None:
    """Ignore SIGTERM and SIGINT from now on."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _note(number: int, frame: FrameType | None) -> None:
    global _stopped
    _stopped = True


def _stop(number: int, frame: FrameType | None) -> None:
    _note(number, frame)
    raise KeyboardInterrupt
