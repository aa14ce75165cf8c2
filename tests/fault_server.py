"""A real HTTP server on this machine that fails as it is told."""

import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

DEADLINE = 30


@dataclass
class Answer:
    """How one request is answered; without any fault, as a good server does."""

    status: int | None = None  # this status, no content
    headers: dict = field(default_factory=dict)
    hang_up: bool = False  # before any answer
    sent: int | None = None  # bytes of the content that are sent before the connection closes
    stall: bool = False  # where it would close, it stays open and silent
    stall_before: bool = False  # silent before any answer
    lie: int = 0  # added to Content-Length
    chunked: bool = False  # no Content-Length
    damage: bool = False  # the first byte that is sent is another
    ranges: bool = True  # honours Range
    first: int | None = None  # a range begins here instead of where it was asked for
    at_most: int | None = None  # a range holds at most so many bytes


@dataclass
class Request:
    """What was asked for."""

    path: str
    range: str | None
    encoding: str | None


class FaultServer:
    """Serves `content` at every path, faults first: `answers[path]` holds those still to come."""

    def __init__(self, content):
        self.content = content
        self.answers = {}
        self.requests = []
        self.end = threading.Event()
        faults = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"  # which has chunks

            def do_GET(self):
                self.close_connection = True
                faults._answer(self)

            def log_message(self, *_):
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._http.serve_forever, args=(0.005,), daemon=True).start()

    def url(self, path):
        return f"http://127.0.0.1:{self._http.server_port}{path}"

    def ranges(self, path=None):
        """The Range headers, in order, of all requests or those for a path."""
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
            headers["Content-Length"] = str(len(body) + answer.lie)
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
