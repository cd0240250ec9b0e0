"""A real HTTP server on a free port of this machine, for what must be seen on the wire."""

import json
import threading
from collections.abc import Callable
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = tuple[int, bytes]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.connections.add(self.client_address)
        self.server.came.append((self.path, body, dict(self.headers)))
        self.server.methods.append(self.command)
        status, answer = self.server.answer(self.path, body, dict(self.headers))
        self.send_response(status)
        if 300 <= status < 400:
            self.send_header("Location", "/elsewhere")
        self.send_header("Set-Cookie", "a=b")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_PATCH = do_POST

    def log_message(self, *args) -> None:
        """Tests look at `came`."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address) -> None:
        """A client that hangs up early is part of the tests."""


@contextmanager
def serving(answer: Callable[[str, bytes, dict[str, str]], Answer]):
    server = _Server(("127.0.0.1", 0), _Handler)
    server.answer, server.came, server.methods, server.connections = answer, [], [], set()
    server.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def as_json(payload: object, status: int = 200) -> Answer:
    return status, json.dumps(payload).encode()
