"""Calls to one API server: JSON over HTTP, changes as they come, and the websocket that runs a command."""

from __future__ import annotations

import json
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from functools import cache
from http.client import HTTPException, HTTPResponse
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urlsplit

from executors.errors import Transient
from executors.kubernetes import credentials
from executors.kubernetes.contexts import Context
from executors.kubernetes.errors import refusal, unreachable

if TYPE_CHECKING:
    import websocket

CALL_S = 30.0
"""How long an answer may take."""
_TOO_MANY, _TOO_MANY_S = 429, (0.5, 1.0, 2.0)
_PROTOCOL = "v4.channel.k8s.io"
_KEEPALIVE = (("TCP_KEEPIDLE", 10), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3))


class Client:
    """One context's API server, as the user of its kubeconfig.

    Every call raises ``HostUnreachable`` where nothing answers, and what ``errors.refusal`` says of answers.
    """

    def __init__(self, context: Context) -> None:
        self.context = context
        self._credentials = credentials.of(context)
        handlers: list[urllib.request.BaseHandler] = []
        if self._credentials.tls is not None:
            handlers.append(urllib.request.HTTPSHandler(context=self._credentials.tls))
        if proxy := context.cluster.get("proxy-url"):
            handlers.append(urllib.request.ProxyHandler({"http": proxy, "https": proxy}))
        self._opener = urllib.request.build_opener(*handlers)

    def get(self, path: str, *, timeout_s: float = CALL_S, **query: str) -> dict[str, Any]:
        """Return what is at ``path``, such as ``/api/v1/nodes``."""
        return self._call("GET", path, None, query, timeout_s)

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Create ``body`` in the collection at ``path``. Raises ``AlreadyThere``."""
        return self._call("POST", path, body, {}, CALL_S)

    def delete(self, path: str, *, grace_s: int | None = None) -> None:
        """Delete what is at ``path``. Raises ``NotFound``."""
        options = {} if grace_s is None else {"gracePeriodSeconds": grace_s}
        self._call("DELETE", path, {"apiVersion": "v1", "kind": "DeleteOptions", **options}, {}, CALL_S)

    def await_change(self, path: str, since: str, limit_s: float, **query: str) -> None:
        """Return when something in the collection at ``path`` has changed ``since``, or after ``limit_s``."""
        seconds = max(1, round(limit_s))
        query = {**query, "watch": "1", "resourceVersion": since, "timeoutSeconds": str(seconds)}
        try:
            with self._open("GET", path, None, query, seconds + CALL_S) as answer:
                answer.readline()
        except (OSError, HTTPException, Transient):
            return

    def run(self, pod: str, argv: Sequence[str]) -> websocket.WebSocket:
        """Start ``argv`` in the pod at path ``pod``; returns the socket with its channels."""
        import websocket

        words = [("command", word) for word in argv]
        query = urlencode([*words, ("stdin", "1"), ("stdout", "1"), ("stderr", "1")], quote_via=quote)
        url = f"{self.context.server.replace('http', 'ws', 1)}{pod}/exec?{query}"
        try:
            return websocket.create_connection(
                url,
                timeout=CALL_S,
                header=dict(self._credentials.headers),
                subprotocols=[_PROTOCOL],
                sockopt=list(_socket_options()),
                sslopt={"context": self._credentials.tls} if self._credentials.tls else {},
                **self._proxy(),
            )
        except websocket.WebSocketBadStatusException as error:
            raise refusal(self.context, error.status_code, _status(error.resp_body or b"")) from None
        except (OSError, websocket.WebSocketException) as error:
            raise unreachable(self.context, error) from error

    def _proxy(self) -> dict[str, Any]:
        proxy = self.context.cluster.get("proxy-url")
        if not proxy:
            return {}
        parts = urlsplit(proxy)
        return {"http_proxy_host": parts.hostname, "http_proxy_port": parts.port, "proxy_type": parts.scheme}

    def _call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
        query: Mapping[str, str],
        timeout_s: float,
    ) -> dict[str, Any]:
        with self._open(method, path, body, query, timeout_s) as answer:
            try:
                found: dict[str, Any] = json.loads(answer.read())
            except (OSError, ValueError, HTTPException) as error:
                raise unreachable(self.context, error) from error
        return found

    def _open(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
        query: Mapping[str, str],
        timeout_s: float,
    ) -> HTTPResponse:
        url = f"{self.context.server}{path}" + (f"?{urlencode(query)}" if query else "")
        request = urllib.request.Request(  # noqa: S310  the scheme is the kubeconfig's
            url,
            None if body is None else json.dumps(body).encode(),
            {**self._credentials.headers, "Content-Type": "application/json", "Accept": "application/json"},
            method=method,
        )
        for later_s in (*_TOO_MANY_S, None):
            try:
                answer: HTTPResponse = self._opener.open(request, timeout=timeout_s)
                break
            except urllib.error.HTTPError as error:
                with error:
                    if error.code != _TOO_MANY or later_s is None:
                        raise refusal(self.context, error.code, _status(error.read())) from None
                time.sleep(later_s)
            except (OSError, HTTPException) as error:
                raise unreachable(self.context, getattr(error, "reason", "") or error) from error
        return answer


@cache
def client_of(context_name: str) -> Client:
    """Return the client of a context, made once per process. Raises ``UserError``, ``AuthError``."""
    from executors.kubernetes import contexts

    return Client(contexts.get(context_name))


def _status(body: bytes) -> Mapping[str, Any]:
    try:
        status = json.loads(body)
    except ValueError:
        return {"message": body.decode(errors="replace").strip()[-300:]}
    return status if isinstance(status, dict) else {}


def _socket_options() -> list[tuple[int, int, int]]:
    """Return what makes the system notice a peer that is gone."""
    options = [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1), (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)]
    known = ((getattr(socket, name, None), value) for name, value in _KEEPALIVE)
    return options + [(socket.IPPROTO_TCP, name, value) for name, value in known if name is not None]
