"""Decode audio in a separate process: a crash affects one file and does not end the job."""

import multiprocessing
import signal
import tempfile
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Generic, TypeVar

from workflow_scripts.audio.decoding import DamagedDecoderError, NotAudioError

T = TypeVar("T")
# Seconds per path. Half a day of audio takes some minutes, more with large networks.
TIME_LIMIT = 1800
STOPPING = (signal.SIGINT, signal.SIGTERM)


class Worker(Generic[T]):
    """Calls `function` on one path at a time, in another process.

    `function` is defined at the top level of a module. Its further arguments and what it returns
    can be pickled; it raises NotAudioError for a file that it cannot use.
    """

    def __init__(self, function: Callable[..., T], seconds: float = TIME_LIMIT) -> None:
        """`seconds` limits the time per path."""
        self._function = function
        self._seconds = seconds
        self._ended = False
        # `stop` may run in another thread than the call that waits for a result.
        self._lock = threading.Lock()
        self._start()

    def __enter__(self) -> "Worker[T]":
        return self

    def __exit__(self, *_: Any) -> None:
        self.stop()

    def stop(self) -> None:
        """Kill the process; a call that waits for its result raises an exception."""
        with self._lock:
            self._ended = True
            self._kill()

    def __call__(self, path: Path, *arguments: Any) -> T:
        """Return `function(path, *arguments)`, or raise what it raises.

        Raises NotAudioError if the process crashes or exceeds `seconds`.
        """
        try:
            result = self._result(path, *arguments)
        except (EOFError, ConnectionError):
            # The decoder may have been damaged by an earlier file.
            self._restart()
            try:
                result = self._result(path, *arguments)
            except (EOFError, ConnectionError):
                self._restart()
                raise NotAudioError("cannot be decoded: the decoder crashes on it") from None
        if isinstance(result, MemoryError):
            raise NotAudioError("needs more memory than there is")
        if isinstance(result, Exception):
            raise result
        return result

    def _result(self, *arguments: Any) -> Any:
        """What the process sends. Raises EOFError or ConnectionError if it ends instead."""
        self._connection.send(arguments)
        if not self._connection.poll(self._seconds):
            self._restart()
            raise NotAudioError(f"takes longer than {self._seconds:.0f} s")
        return self._connection.recv()

    def _start(self) -> None:
        # Spawned, not forked: the new process inherits no memory and no locks of other threads.
        context = multiprocessing.get_context("spawn")
        # A killed process leaves its temporary files behind, so it has its own folder for them.
        self._folder = tempfile.TemporaryDirectory()
        self._connection, other = context.Pipe()
        arguments = (self._function, other, self._folder.name)
        self._process = context.Process(target=_serve, args=arguments, daemon=True)
        # A signal that ends this process during the start would make the new one print an error.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
        try:
            self._process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        other.close()

    def _kill(self) -> None:
        self._process.kill()
        self._process.join()
        self._connection.close()
        self._folder.cleanup()

    def _restart(self) -> None:
        with self._lock:
            if not self._ended:
                self._kill()
                self._start()


def _serve(function: Callable[..., Any], connection: Connection, folder: str) -> None:
    """Send the result for each received path until the parent closes the connection or ends."""
    # Ctrl-C reaches both processes; the parent ends this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)
    tempfile.tempdir = folder
    while True:
        try:
            arguments = connection.recv()
        except EOFError:
            return
        try:
            connection.send(function(*arguments))
        except Exception as failure:
            connection.send(failure)
            if isinstance(failure, DamagedDecoderError):
                return
