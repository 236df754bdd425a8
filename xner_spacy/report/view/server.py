"""Serve the page of `xner view` on this computer, to this computer alone."""

import json
import threading
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Callable, Dict, List, Optional, Tuple
from urllib.parse import parse_qsl, urlsplit

from ...errors import XnerError
from .index import PAGE_SIZE, Index, Query
from .pages import Pages, parse_query

HOST = "127.0.0.1"
_HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Server:
    """The server of a page, and the index of its sentences.

    pages (Pages): The pages. port (int): The port; 0 for a free one. tick (Callable[[int], Any]): Called with the
        number of sentences that were just read.
    RAISES: XnerError if the port is taken.
    """

    def __init__(self, pages: Pages, port: int = 0) -> None:
        self.pages = pages
        self.index = Index(pages.rows)
        try:
            self._server = ThreadingHTTPServer((HOST, port), partial(_Handler, self))
        except OSError as error:
            self.index.close()
            hint = "Give another one with --port, or 0 for a free one."
            raise XnerError(f"Port {port} can't be used ({error.strerror or error}).", hint) from None
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        self.address = f"http://{HOST}:{self.port}/"
        self._filling: Optional[threading.Thread] = None

    def serve(self, tick: Callable[[int], Any] = lambda n: None) -> None:
        """Answer requests, while the index is filled, until `stop` is called in another thread or Ctrl-C is pressed.

        tick (Callable[[int], Any]): Called with the number of sentences that were just read.
        """
        self._filling = threading.Thread(target=self.index.fill, args=[tick], daemon=True)
        self._filling.start()
        self._server.serve_forever(poll_interval=0.2)

    def stop(self) -> None:
        """End `serve`, from another thread."""
        self._server.shutdown()

    def close(self) -> None:
        """Close the port, and remove the index."""
        self._server.server_close()
        self.index.stop()
        if self._filling is not None:
            self._filling.join()
        self.index.close()

    def is_own(self, host: str) -> bool:
        """RETURNS (bool): Whether a request was sent to this server by its own name. Another name is that of a web site
        that makes its name point here, to read what is shown.
        """
        return host.lower() in (f"{HOST}:{self.port}", f"localhost:{self.port}")

    def page(self, parameters: Dict[str, str]) -> str:
        """RETURNS (str): The whole page."""
        query, total, page, numbers = self._find(parameters)
        rows = self.pages.rows.read(numbers)
        return self.pages.whole(rows, self.index.counts(), total=total, query=query, page=page)

    def part(self, parameters: Dict[str, str]) -> str:
        """RETURNS (str): A page of sentences as JSON, and the state of the index."""
        _, total, page, numbers = self._find(parameters)
        html = self.pages.draw_rows(self.pages.rows.read(numbers))
        return json.dumps({"total": total, "page": page, "html": str(html), **self._state()})

    def _find(self, parameters: Dict[str, str]) -> Tuple[Query, int, int, List[int]]:
        """RETURNS (Tuple[Query, int, int, List[int]]): What is asked for, how many sentences fit, the page (the last one
        for a number beyond it), and the numbers of its sentences.
        """
        query, page = parse_query(parameters)
        total, numbers = self.index.find(query, page * PAGE_SIZE)
        if not numbers and page:
            page = max(0, (total - 1) // PAGE_SIZE)
            total, numbers = self.index.find(query, page * PAGE_SIZE)
        return query, total, page, numbers

    def state(self, parameters: Dict[str, str]) -> str:
        """RETURNS (str): The state of the index as JSON."""
        return json.dumps(self._state())

    def _state(self) -> Dict[str, Any]:
        fault = self.index.fault
        return {
            "done": self.index.done,
            "of": len(self.pages.rows),
            "fault": "" if fault is None else str(fault),
            "choices": self.pages.choices(self.index.counts()),
        }


_HTML, _JSON = "text/html; charset=utf-8", "application/json"


class _Handler(BaseHTTPRequestHandler):
    """Answers GET requests for the page and its parts."""

    server_version, sys_version = "xner", ""

    def __init__(self, owner: Server, *arguments: Any) -> None:
        self.owner = owner
        super().__init__(*arguments)

    def do_GET(self) -> None:
        """Answer a request."""
        if not self.owner.is_own(self.headers.get("Host", "")):
            self._answer(
                HTTPStatus.FORBIDDEN, "text/plain; charset=utf-8", "This server answers to its own name alone."
            )
            return
        address = urlsplit(self.path)
        made = {"/": (_HTML, self.owner.page), "/rows": (_JSON, self.owner.part), "/state": (_JSON, self.owner.state)}
        if address.path not in made:
            self._answer(HTTPStatus.NOT_FOUND, "text/plain; charset=utf-8", "There is no such page.")
            return
        kind, make = made[address.path]
        self._answer(*self._made(kind, make, dict(parse_qsl(address.query))))

    def _made(
        self, kind: str, make: Callable[[Dict[str, str]], str], parameters: Dict[str, str]
    ) -> Tuple[HTTPStatus, str, str]:
        try:
            return HTTPStatus.OK, kind, make(parameters)
        except XnerError as error:
            # A value in the address, or a file of the run that has changed meanwhile.
            if kind == _JSON:
                return HTTPStatus.BAD_REQUEST, kind, json.dumps({"fault": str(error)})
            return HTTPStatus.BAD_REQUEST, "text/plain; charset=utf-8", str(error)

    def _answer(self, status: HTTPStatus, kind: str, text: str) -> None:
        data = text.encode("utf8", "replace")
        self.send_response(status)
        for name, value in {**_HEADERS, "Content-Type": kind, "Content-Length": str(len(data))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Requests are not logged."""
