"""A network that fails as planned: a relay on loopback between the program and a server.

It takes one request after the other, reads it whole, and then does with it what the plan says.
So a cut falls exactly before the work or after it, whatever the machine's speed.
"""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal

Act = Literal["pass", "cut_before", "cut_after", "error_text"]
"""`cut_before`: the connection ends once the request was sent, and nothing is done with it.
`cut_after`: the work is done and the connection ends before the answer. `error_text`: the work is
done, and the answer is that the server failed."""

ERROR_TEXT = json.dumps({"id": 0, "error": ["<error> internal </error>", ""]}).encode()

Raw = tuple[int, bytes]
"""A status and a body."""


@dataclass
class Relay:
    """What passes through.

    Attributes:
        plan: asked for each method in turn; what it answers is done.
        answer: asked before anything is passed on: what it answers is the reply, unless it is None.
        methods: those that were asked for, in order.
    """

    port: int = 0
    plan: Callable[[str], Act] = field(default=lambda method: "pass")
    answer: Callable[[str], Raw | None] = field(default=lambda method: None)
    methods: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


def once(method: str, act: Act, *, number: int = 1) -> Callable[[str], Act]:
    """A plan: the `number`-th call of a method goes wrong, and all others pass.

    Args:
        method: the end of its name.
    """
    seen = 0

    def plan(called: str) -> Act:
        nonlocal seen
        seen += called.endswith(method)
        return act if called.endswith(method) and seen == number else "pass"

    return plan


@contextmanager
def relaying(upstream: int) -> Iterator[Relay]:
    """A relay to the server at a port of loopback."""
    relay = Relay()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            method = json.loads(body)["method"]
            with relay.lock:
                relay.methods.append(method)
                act = relay.plan(method)
                made_up = relay.answer(method)
            if made_up is not None:
                return self.reply(*made_up)
            if act == "cut_before":
                return self.cut()
            status, answer = self.forward(body)
            if act == "cut_after":
                return self.cut()
            return self.reply(status, ERROR_TEXT if act == "error_text" else answer)

        def forward(self, body: bytes) -> Raw:
            connection = http.client.HTTPConnection("127.0.0.1", upstream)
            kept = {
                name: value
                for name, value in self.headers.items()
                if name.lower() in ("authorization", "content-type")
            }
            try:
                connection.request("POST", self.path, body, kept)
                response = connection.getresponse()
                return response.status, response.read()
            finally:
                connection.close()

        def cut(self) -> None:
            self.close_connection = True

        def reply(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        relay.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield relay
        finally:
            server.shutdown()
            thread.join()
