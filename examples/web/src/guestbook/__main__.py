"""`python -m guestbook app.toml`: serves until Ctrl-C or SIGTERM."""

from __future__ import annotations

import argparse
import sys
from contextlib import suppress

import uvicorn

from guestbook._host import make_app
from hycore.utils.error import HyError
from hypi.app import load_application


def main() -> int:
    """Returns 2 if the file or what it asks for is wrong, 3 if the application cannot start, 1 if its end fails."""
    parser = argparse.ArgumentParser(prog="guestbook")
    parser.add_argument("file", metavar="FILE", help="the application file")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="override one value")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=_port, default=8000, help="0: any free one")
    parser.add_argument(
        "--patience", type=int, default=10, metavar="SECONDS", help="for requests, at the end"
    )
    options = parser.parse_args()
    try:
        application = load_application(options.file, settings=options.set, asynchronous=True)
    except HyError as error:
        print(f"guestbook: {error}", file=sys.stderr)
        return 2
    config = uvicorn.Config(
        make_app(application),
        host=options.host,
        port=options.port,
        lifespan="on",
        timeout_graceful_shutdown=options.patience,  # else a client that stalls keeps plugins from being torn down
    )
    server = uvicorn.Server(config)
    with suppress(KeyboardInterrupt):  # raised once more, when all has ended
        server.run()
    if not server.started:
        return 3
    return 1 if server.lifespan.should_exit else 0


def _port(text: str) -> int:
    number = int(text)
    if not 0 <= number <= 65535:
        raise argparse.ArgumentTypeError("a port is a number from 0 to 65535")
    return number


if __name__ == "__main__":
    sys.exit(main())
