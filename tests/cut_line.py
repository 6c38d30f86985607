"""A line to a PostgreSQL server that can be cut at the worst moment."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from types import TracebackType
from typing import Literal, Self

When = Literal["before", "after"]


class CutLine:
    """Passes bytes between programs and the server at `port`, until a statement is to be cut.

    Args:
        port: of the server, on the loopback interface.

    Attributes:
        port: where programs connect to.
        cuts: how often the line was cut.
    """

    def __init__(self, port: int) -> None:
        self._server = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.cuts = 0
        self._word = b""
        self._when: When = "before"
        self._times = 0
        self._refusing = False
        self._hold_server = False
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(
        self,
        word: bytes,
        when: When,
        *,
        times: int = 1,
        then_refuse: bool = False,
        hold_server: bool = False,
    ) -> None:
        """Cuts the line at the next message of a program that holds `word`.

        Args:
            when: the server never gets it; or it does, and its answer is lost.
            times: at so many such messages.
            then_refuse: no new connection is made afterwards, until `mend`.
            hold_server: the server is left to believe that the program is still there.
        """
        with self._lock:
            self._word, self._when, self._times = word, when, times
            self._then_refuse, self._hold_server = then_refuse, hold_server

    def mend(self) -> None:
        """Lets everything pass again."""
        with self._lock:
            self._times, self._refusing = 0, False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._listener.close()
        for each in self._sockets:
            _close(each)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client = self._listener.accept()[0]
                if self._refusing:
                    _close(client)
                    continue
                server = socket.create_connection(("127.0.0.1", self._server))
                self._sockets += [client, server]
                answers = threading.Event()
                threading.Thread(
                    target=self._back, args=(server, client, answers), daemon=True
                ).start()
                threading.Thread(
                    target=self._forth, args=(client, server, answers), daemon=True
                ).start()

    def _forth(self, client: socket.socket, server: socket.socket, mute: threading.Event) -> None:
        with suppress(OSError):
            while data := client.recv(65536):
                when = self._to_cut(data)
                if when == "after":
                    # `_back` takes the answer for itself and then cuts.
                    mute.set()
                if when == "before":
                    self._cut(client, server)
                    return
                server.sendall(data)
        if not self._hold_server:
            _close(server)

    def _back(self, server: socket.socket, client: socket.socket, mute: threading.Event) -> None:
        with suppress(OSError):
            while data := server.recv(65536):
                if mute.is_set():
                    self._cut(client, server)
                    return
                client.sendall(data)
        _close(client)

    def _to_cut(self, data: bytes) -> When | None:
        with self._lock:
            if not self._times or self._word not in data:
                return None
            self._times -= 1
            self._refusing = self._then_refuse
            return self._when

    def _cut(self, client: socket.socket, server: socket.socket) -> None:
        self.cuts += 1
        if not self._hold_server:
            _close(server)
        _close(client)


def _close(each: socket.socket) -> None:
    with suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)
    each.close()
