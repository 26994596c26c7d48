"""Who we are at Google, and in which project: Application Default Credentials, as its own tools find them."""

from __future__ import annotations

import configparser
import json
import os
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from executors.errors import Unsupported
from executors.gcp import errors

SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
_PROJECT_VARIABLES = ("GOOGLE_CLOUD_PROJECT", "CLOUDSDK_CORE_PROJECT")
_PRODUCT = Path("/sys/class/dmi/id/product_name")
LOGIN_FIX = "gcloud auth application-default login"
PROJECT_FIX = "gcloud config set project PROJECT"


def credentials_file() -> Path | None:
    """Return the file that holds the credentials; ``None`` where there is none."""
    named = os.environ.get("GOOGLE_APPLICATION_CREDENTIALS")
    path = Path(named) if named else _gcloud_folder() / "application_default_credentials.json"
    return path if path.is_file() else None


def there() -> bool:
    """Return whether there are credentials, and a project: no network, no SDK.

    An instance of Compute Engine has both from its metadata server.
    """
    found = _on_compute_engine() or (credentials_file() is not None and find_project() != "")
    return found and installed()


def installed() -> bool:
    """Return whether Google's library for credentials is there; does not load it."""
    return find_spec("google") is not None and find_spec("google.auth") is not None


def fingerprint() -> str:
    """Return text that changes when others would be used: the file, when it changed, the project."""
    path = credentials_file()
    return f"{path}@{path.stat().st_mtime_ns if path else 0} {find_project()}"


def find_project() -> str:
    """Return the project of the environment, gcloud's configuration or the credentials; ``""`` for none."""
    return next(_projects(), "")


def login() -> tuple[Any, str]:
    """Return a ``requests`` session that signs every request, and the project that is worked in.

    Raises ``AuthError`` without usable credentials, or without a project.
    """
    if not installed():
        raise Unsupported("gcp needs the package google-auth: install the extra [gcp] of this project")
    if credentials_file() is None and not _on_compute_engine():
        named = os.environ.get("GOOGLE_APPLICATION_CREDENTIALS")
        raise errors.no_login(f"{named} is no file" if named else "no credentials were found", LOGIN_FIX)
    from google.auth.exceptions import GoogleAuthError
    from google.auth.transport.requests import AuthorizedSession

    try:
        found, its_project = _credentials()
    except (GoogleAuthError, ValueError) as error:
        raise errors.no_login(str(error), LOGIN_FIX) from error
    project = find_project() or its_project
    if not project:
        raise errors.no_login("no project is named", PROJECT_FIX)
    signed: Any = AuthorizedSession
    return signed(found, max_refresh_attempts=1), project


def _credentials() -> tuple[Any, str]:
    """Return the credentials, and the project that they know of.

    The library finds them all by itself; of the usual two it runs gcloud for the project, which takes a
    second, so they are read here.
    """
    import google.auth
    from google.oauth2 import credentials, service_account

    content = _content()
    person: Any = credentials.Credentials
    account: Any = service_account.Credentials
    if content.get("type") == "authorized_user":
        return person.from_authorized_user_info(content), ""  # with all scopes that were granted
    if content.get("type") == "service_account":
        return account.from_service_account_info(content, scopes=SCOPES), ""
    found, project = google.auth.default(scopes=SCOPES)
    return found, project or ""


def account() -> str:
    """Return whom the credentials name, as far as their file says, or of which kind they are; no secret."""
    content = _content()
    return str(content.get("client_email") or content.get("account") or content.get("type", "unknown"))


def _projects() -> Iterator[str]:
    yield from filter(None, map(os.environ.get, _PROJECT_VARIABLES))
    yield from filter(None, [_gcloud_project()])
    content = _content()
    yield from filter(None, (str(content.get(name, "")) for name in ("project_id", "quota_project_id")))


def _content() -> Mapping[str, Any]:
    path = credentials_file()
    try:
        content = json.loads(path.read_text("utf-8")) if path else {}
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _gcloud_folder() -> Path:
    named = os.environ.get("CLOUDSDK_CONFIG")
    return Path(named) if named else Path.home() / ".config" / "gcloud"


def _gcloud_project() -> str:
    """Return the project of gcloud's active configuration."""
    folder = _gcloud_folder()
    active = os.environ.get("CLOUDSDK_ACTIVE_CONFIG_NAME")
    try:
        active = active or (folder / "active_config").read_text("utf-8").strip()
    except OSError:
        active = "default"
    config = configparser.ConfigParser(interpolation=None)
    try:
        config.read(folder / "configurations" / f"config_{active}", encoding="utf-8")
    except configparser.Error:
        return ""
    return config.get("core", "project", fallback="")


def _on_compute_engine() -> bool:
    try:
        return _PRODUCT.read_text("ascii").strip() == "Google Compute Engine"
    except (OSError, ValueError):
        return False
