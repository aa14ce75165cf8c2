"""An HTTP server on this machine that fails in defined ways."""

import re
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

DEADLINE = 30


@dataclass
class Answer:
    """How the server answers one request; correctly by default."""

    status: int | None = None  # answer with this status and no content
    headers: dict = field(default_factory=dict)
    endless: bool = False  # with a status: send content until the client hangs up
    hang_up: bool = False  # close the connection before any answer
    sent: int | None = None  # close the connection after this many bytes of the content
    stall: bool = False  # keep the connection open and silent instead of closing it
    stall_before: bool = False  # stay silent before any answer
    wrong_length: int = 0  # add this to Content-Length
    chunked: bool = False  # send chunks, without Content-Length
    damage: bool = False  # change the first byte that is sent
    ranges: bool = True  # support the Range header
    first: int | None = None  # start a range here, not at the requested byte
    at_most: int | None = None  # send at most this many bytes of a range


@dataclass
class Request:
    """What a client requested."""

    path: str
    range: str | None
    encoding: str | None


class FaultServer:
    """Serves `content` at every path, after the answers that are left in `answers[path]`."""

    def __init__(self, content):
        self.content = content
        self.answers = {}
        self.requests = []
        self.end = threading.Event()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"  # HTTP/1.0 has no chunks

            def do_GET(self):
                self.close_connection = True
                server._answer(self)

            def log_message(self, *_):
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._http.serve_forever, args=(0.005,), daemon=True).start()

    def url(self, path):
        return f"http://127.0.0.1:{self._http.server_port}{path}"

    def ranges(self, path=None):
        """The Range headers of all requests, or of those for a path, in order."""
        return [r.range for r in self.requests if path in (None, r.path)]

    def close(self):
        self.end.set()
        self._http.shutdown()
        self._http.server_close()

    def _answer(self, handler):
        names = ("Range", "Accept-Encoding")
        request = Request(handler.path, *(handler.headers.get(name) for name in names))
        self.requests.append(request)
        answer = next(self.answers.get(request.path, iter(())), Answer())
        if answer.stall_before:
            self.end.wait(DEADLINE)
        if answer.hang_up or answer.stall_before:
            return
        if answer.endless:
            self._head(handler, answer.status, answer.headers)
            with suppress(OSError):
                while not self.end.is_set():
                    handler.wfile.write(self.content)
            return
        if answer.status is not None:
            self._head(handler, answer.status, {"Content-Length": "0"} | answer.headers)
            return
        start, stop, size = 0, len(self.content), len(self.content)
        status, headers = 200, {}
        if request.range and answer.ranges:
            start = int(re.fullmatch(r"bytes=(\d+)-", request.range)[1])
            if start >= size:
                self._head(handler, 416, {"Content-Range": f"bytes */{size}"})
                return
            start = start if answer.first is None else answer.first
            stop = stop if answer.at_most is None else min(stop, start + answer.at_most)
            status, headers["Content-Range"] = 206, f"bytes {start}-{stop - 1}/{size}"
        body = self.content[start:stop]
        if answer.chunked:
            headers["Transfer-Encoding"] = "chunked"
            body = f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n"
        else:
            headers["Content-Length"] = str(len(body) + answer.wrong_length)
        if answer.damage:
            body = bytes([body[0] ^ 255]) + body[1:]
        self._head(handler, status, headers | answer.headers)
        handler.wfile.write(body[: answer.sent])
        if answer.stall:
            self.end.wait(DEADLINE)

    def _head(self, handler, status, headers):
        handler.send_response(status)
        for name, value in (headers | {"Connection": "close"}).items():
            handler.send_header(name, value)
        handler.end_headers()
