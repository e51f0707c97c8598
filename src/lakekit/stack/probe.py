"""Asking a service whether it is there, many times a second: without proxies, pools or certificates."""

from __future__ import annotations

from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit


def get(url: str, seconds: float = 5.0) -> tuple[int, bytes]:
    """An HTTP GET's status and body; 0 and nothing where no one answers within ``seconds``."""
    parts = urlsplit(url)
    connection = HTTPConnection(str(parts.hostname), parts.port, timeout=seconds)
    try:
        connection.request("GET", parts.path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (OSError, HTTPException):
        return 0, b""
    finally:
        connection.close()
