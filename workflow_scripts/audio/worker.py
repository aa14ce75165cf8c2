"""A process of its own for audio: a file that ends it is one bad file, not the end of a job."""

import multiprocessing
import signal
import tempfile
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Generic, TypeVar

from workflow_scripts.audio.decoding import NotAudioError

T = TypeVar("T")
STOPPING = (signal.SIGINT, signal.SIGTERM)


class Worker(Generic[T]):
    """Calls `function` on paths, one after the other, in another process.

    `function` is importable by its module's name; it returns what can be pickled or raises
    NotAudioError.
    """

    def __init__(self, function: Callable[[Path], T], seconds: float | None = None) -> None:
        """With `seconds` no path may take longer."""
        self._function = function
        self._seconds = seconds
        self._ended = False
        # Whoever ends it may not be the thread that waits for it.
        self._lock = threading.Lock()
        self._start()

    def __enter__(self) -> "Worker[T]":
        return self

    def __exit__(self, *_: Any) -> None:
        self.stop()

    def stop(self) -> None:
        """End the process, whatever it is at; a call that waits for it raises."""
        with self._lock:
            self._ended = True
            self._kill()

    def __call__(self, path: Path) -> T:
        """What `function` returns for `path`; raises what it raises.

        Raises NotAudioError if the process ends or takes too long.
        """
        try:
            self._connection.send(path)
            if not self._connection.poll(self._seconds):
                self._restart()
                raise NotAudioError(f"takes longer than {self._seconds:.0f} s")
            result = self._connection.recv()
        except (EOFError, ConnectionError):
            self._restart()
            raise NotAudioError("cannot be decoded: the decoder crashes on it") from None
        if isinstance(result, Exception):
            raise result
        return result

    def _start(self) -> None:
        # Spawned, not forked: a decoder's threads and memory stay out of this process.
        context = multiprocessing.get_context("spawn")
        # Of its own, since a process that is killed leaves its copies of audio behind.
        self._folder = tempfile.TemporaryDirectory()
        self._connection, other = context.Pipe()
        arguments = (self._function, other, self._folder.name)
        self._process = context.Process(target=_serve, args=arguments, daemon=True)
        # A process that lost its parent while it was being made would say so.
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


def _serve(function: Callable[[Path], Any], connection: Connection, folder: str) -> None:
    """Answer until the other end is closed, be it by its process's end."""
    # Ctrl-C reaches both processes; the other one ends this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)
    tempfile.tempdir = folder
    while True:
        try:
            path = connection.recv()
        except EOFError:
            return
        try:
            connection.send(function(path))
        except Exception as failure:
            connection.send(failure)
