"""A language server for editors: findings as one types, fixes, the manual, and the rename of a model."""

from __future__ import annotations

import logging
import signal

from .features import Refused, server


def serve() -> None:
    """Speak the protocol on stdin and stdout until the editor says goodbye, or goes."""
    # Ctrl-C ends it at once: it only reads, and would otherwise wait for a line that never comes.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    logging.getLogger("pygls.protocol.json_rpc").addFilter(_is_unexpected)
    server().start_io()


def _is_unexpected(record: logging.LogRecord) -> bool:
    """What an editor is refused it shows itself: no case for a log with a traceback."""
    return not (record.exc_info and isinstance(record.exc_info[1], Refused))
