"""The REST interfaces of Compute Engine (v1) and Cloud TPU (v2): one project, signed requests, patience.

Paths are relative to the project: ``zones/us-east1-b/instances``, and ``locations/us-east1-b/nodes`` of TPUs.
See https://cloud.google.com/compute/docs/reference/rest/v1 and https://cloud.google.com/tpu/docs/reference/rest.
"""

from __future__ import annotations

import logging
import os
import random
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from executors.errors import Transient
from executors.gcp import credentials, errors

_log = logging.getLogger("sky.executors.gcp")

ENDPOINT = "https://compute.googleapis.com/compute/v1/"
ENDPOINT_VARIABLE = "CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE"
"""The variable by which gcloud, too, is led to another endpoint."""
TPU_ENDPOINT = "https://tpu.googleapis.com/"
TPU_ENDPOINT_VARIABLE = "CLOUDSDK_API_ENDPOINT_OVERRIDES_TPU"
TPU_PATHS = "locations/"
"""How paths of the service for TPUs begin."""
_CONNECT_S, _READ_S = 10.0, 60.0
_TRIES = 6
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 32.0
_PAGE = 500

Json = Mapping[str, Any]


def endpoint() -> str:
    """Return the base of every address, with a slash at its end."""
    return os.environ.get(ENDPOINT_VARIABLE, ENDPOINT).rstrip("/") + "/"


def tpu_endpoint() -> str:
    """Return the base of every address of TPUs, with a slash at its end."""
    return os.environ.get(TPU_ENDPOINT_VARIABLE, TPU_ENDPOINT).rstrip("/") + "/v2/"


class Rest:
    """Requests to one project. Each is tried again while Google says that this may help.

    Raises ``AuthError``, ``NotFound``, ``Transient`` after the last try, and ``Refused`` for the rest.
    """

    def __init__(
        self, session: Any, project: str, base: str = ENDPOINT, pause: Callable[[float], None] = time.sleep
    ) -> None:
        self.project = project
        self._session = session
        self._base = f"{base}projects/{project}"
        self._tpu_base = f"{tpu_endpoint()}projects/{project}"
        self._pause = pause

    @classmethod
    def open(cls, project: str = "") -> Rest:
        """Return the requests of this user's credentials, to their project unless another is named."""
        session, own = credentials.login()
        return cls(session, project or own, endpoint())

    def get(self, path: str, **query: str) -> Json:
        """Return what is at ``path``."""
        return self._call("GET", self._url(path), query)

    def ask(self, method: str, url: str, body: Json | None = None) -> Json:
        """Ask something of another service of Google's, by its whole address."""
        return self._call(method, url, {}, body)

    def post(self, path: str, body: Json | None = None, *, read_s: float = _READ_S, **query: str) -> Json:
        """Ask something at ``path`` that changes nothing."""
        return self._call("POST", self._url(path), query, body, read_s)

    def change(self, method: str, path: str, body: Json | None = None, **query: str) -> Json:
        """Change something; returns the operation. However often it is sent, it is done once.

        Names see to that for TPUs, which take no id of the request.
        """
        once = {} if path.startswith(TPU_PATHS) else {"requestId": str(uuid.uuid4())}
        return self._call(method, self._url(path), {**query, **once}, body)

    def pages(self, path: str, **query: str) -> Iterator[Json]:
        """Yield every page of a list."""
        token: dict[str, str] = {}
        size = {"pageSize" if path.startswith(TPU_PATHS) else "maxResults": str(_PAGE)}
        while True:
            page = self._call("GET", self._url(path), {**query, **token, **size})
            yield page
            if not page.get("nextPageToken"):
                return
            token = {"pageToken": page["nextPageToken"]}

    def _url(self, path: str) -> str:
        base = self._tpu_base if path.startswith(TPU_PATHS) else self._base
        return f"{base}/{path}" if path else base

    def _call(
        self, method: str, url: str, query: Json, body: Json | None = None, read_s: float = _READ_S
    ) -> Json:
        attempt = 1
        while True:
            try:
                return self._once(method, url, query, body, read_s)
            except _Later as later:
                if attempt == _TRIES:
                    raise
                pause_s = later.after_s or _backoff_s(attempt)
                _log.debug("%s %s: %s; again in %.1f s", method, url, later, pause_s)
                self._pause(pause_s)
            attempt += 1

    def _once(self, method: str, url: str, query: Json, body: Json | None, read_s: float) -> Json:
        from google.auth.exceptions import GoogleAuthError, TransportError
        from requests import RequestException

        try:
            answer = self._session.request(
                method, url, params=dict(query), json=body, timeout=(_CONNECT_S, read_s)
            )
        except (RequestException, TransportError) as error:
            raise _Later(f"Compute Engine does not answer: {error}") from error
        except GoogleAuthError as error:
            if getattr(error, "retryable", False):
                raise _Later(f"Google's login does not answer: {error}") from error
            raise errors.no_login(f"the credentials do not work: {error}", credentials.LOGIN_FIX) from error
        content = _json(answer)
        if answer.ok and isinstance(content, Mapping):
            return content
        refusal = errors.of_answer(
            answer.status_code,
            content if isinstance(content, Mapping) else {},
            self.project,
            tpu=url.startswith(self._tpu_base),
        )
        if isinstance(refusal, Transient):
            raise _Later(str(refusal), _seconds(answer.headers.get("Retry-After", "")))
        raise refusal


class _Later(Transient):
    """Worth another try, after ``after_s`` seconds where Google says so."""

    def __init__(self, message: str, after_s: float = 0.0) -> None:
        super().__init__(message)
        self.after_s = after_s


def _backoff_s(attempt: int) -> float:
    longest_s = min(_FIRST_PAUSE_S * 2.0 ** (attempt - 1), _LONGEST_PAUSE_S)
    return longest_s * random.uniform(0.5, 1.0)  # noqa: S311  no secret


def _seconds(text: str) -> float:
    return min(float(text), _LONGEST_PAUSE_S) if text.strip().isdecimal() else 0.0


def _json(answer: Any) -> Any:
    try:
        return answer.json()
    except ValueError:
        return {"error": {"message": answer.text[:500]}}
