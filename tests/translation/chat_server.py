"""A chat server of this process, for tests: it answers as its script says, and writes down what it was asked."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Callable, Dict, List, Optional

KEY = "sk-tests-0123456789-recognisable"


def completion(text: Optional[str], finish: str = "stop", usage: bool = True, **message: Any) -> Dict[str, Any]:
    """RETURNS (Dict[str, Any]): The body of a good answer."""
    body: Dict[str, Any] = {
        "id": "1", "object": "chat.completion", "created": 1, "model": "tiny",
        "choices": [{"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": text, **message}}],
    }  # fmt: skip
    if usage:
        body["usage"] = {"prompt_tokens": 20, "completion_tokens": 10, "total_tokens": 30}
    return body


class Step:
    """What the server does with one request: a status, headers and a body; or it waits or cuts the connection."""

    def __init__(
        self, body: Any = None, status: int = 200, headers: Optional[Dict[str, str]] = None, wait: float = 0.0,
        cut: bool = False,
    ) -> None:  # fmt: skip
        self.body, self.status, self.headers, self.wait, self.cut = body, status, headers or {}, wait, cut


class ChatServer:
    """Answers each text with `reply(text, n)`, where n counts the requests for that text from 0: a `Step`, or the
    text of a good answer.
    """

    def __init__(self, reply: Callable[[str, int], Any]) -> None:
        self.asked: List[str] = []
        self.requests: List[Dict[str, Any]] = []
        self.headers: List[Dict[str, str]] = []
        self.at_once = self.most_at_once = 0
        self.gate: Optional[threading.Barrier] = None
        lock = threading.Lock()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: Any) -> None:
                pass

            def do_POST(self) -> None:
                request = json.loads(self.rfile.read(int(self.headers["content-length"])))
                text = request["messages"][-1]["content"]
                with lock:
                    number = server.asked.count(text)
                    server.asked.append(text)
                    server.requests.append({"path": self.path, **request})
                    server.headers.append({name.lower(): value for name, value in self.headers.items()})
                    server.at_once += 1
                    server.most_at_once = max(server.most_at_once, server.at_once)
                try:
                    if server.gate is not None:
                        server.gate.wait(20)
                    self.answer(reply(text, number))
                finally:
                    with lock:
                        server.at_once -= 1

            def answer(self, step: Any) -> None:
                step = Step(completion(step)) if isinstance(step, str) else step
                time.sleep(step.wait)
                data = step.body if isinstance(step.body, bytes) else json.dumps(step.body).encode()
                self.send_response(step.status)
                for name, value in {"Content-Type": "application/json", **step.headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                if step.cut:
                    self.wfile.write(data[: len(data) // 2])
                    self.wfile.flush()
                    self.close_connection = True
                    self.connection.shutdown(2)
                    return
                try:
                    self.wfile.write(data)
                except OSError:  # nobody waits for it any more
                    self.close_connection = True

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: Any) -> None:
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/v1"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
