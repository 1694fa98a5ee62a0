"""Secrets that only their holder knows: session tokens, invites, API keys.

No token is stored, only its SHA-256; a token carries 256 random bits, so its hash needs no salt.
"""

from __future__ import annotations

import hashlib
import secrets


def new_token() -> str:
    """Return 256 random bits as text for a URL, a cookie or a header."""
    return secrets.token_urlsafe(32)


def hash_token(token: str) -> str:
    """Return what is stored of a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
