"""Who may ask: a service account with a key of its own, and the tokens of it and of instances."""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from urllib.parse import parse_qs

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth import jwt

PERSON = "ada@example.org"
EMAIL = "tester@example.iam.gserviceaccount.com"


class Tokens:
    """The account's key, and the tokens that were given out."""

    def __init__(self) -> None:
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._given: set[str] = set()

    def give(self) -> dict[str, object]:
        """Return a new token as OAuth 2.0 has it."""
        token = secrets.token_urlsafe(24)
        self._given.add(token)
        return {"access_token": token, "expires_in": 3600, "token_type": "Bearer"}

    def exchange(self, form: bytes) -> dict[str, object] | None:
        """Return a token for an assertion that the account signed; ``None`` for any other."""
        assertion = parse_qs(form.decode()).get("assertion", [""])[0]
        return self.give() if self._signed(assertion) else None

    def known(self, header: str) -> bool:
        """Return whether the header ``Authorization`` holds one, or one that the account signed itself."""
        kind, _, token = header.partition(" ")
        return kind == "Bearer" and (token in self._given or self._signed(token))

    def write_key_file(self, path: Path, project: str, token_uri: str) -> None:
        """Write the file that ``GOOGLE_APPLICATION_CREDENTIALS`` names."""
        pem = self._key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        content = {
            "type": "service_account",
            "project_id": project,
            "private_key_id": "1",
            "private_key": pem.decode(),
            "client_email": EMAIL,
            "client_id": "1",
            "token_uri": token_uri,
        }
        path.touch(mode=0o600)
        path.write_text(json.dumps(content))

    def _signed(self, token: str) -> bool:
        public = self._key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        try:
            return bool(jwt.decode(token, certs=public.decode())["iss"] == EMAIL)
        except ValueError:
            return False
