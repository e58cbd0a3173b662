"""The application in a process of its own, behind a port, until a signal ends it."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

APP = Path(__file__).parents[1] / "app.toml"
SERVE = [sys.executable, "-W", "error", "-m", "guestbook", str(APP), "--port", "0"]


@contextmanager
def served(folder: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server that is ready, and its address."""
    with subprocess.Popen([*SERVE, *options], cwd=folder, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            told = ""
            for line in process.stderr:
                told += line
                if found := re.search(r"running on (http://127\.0\.0\.1:\d+) ", line):
                    yield process, found[1]
                    return
            pytest.fail(f"it did not start:\n{told}")
        finally:
            process.kill()  # nothing, once it has ended


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGTERM, -signal.SIGTERM), (signal.SIGINT, 0)], ids=["SIGTERM", "SIGINT"]
)
def test_a_signal_ends_it_in_order(tmp_path: Path, number: signal.Signals, status: int) -> None:
    """What started last ends first: the archive is written while the store is there."""
    (tmp_path / "archive").mkdir()
    ada = {"name": "Ada", "text": "I was here."}
    with served(tmp_path) as (process, address):
        body = json.dumps(ada).encode()
        with urllib.request.urlopen(f"{address}/entries", body, timeout=20) as answer:
            assert answer.status == 201
        with urllib.request.urlopen(f"{address}/entries", timeout=20) as answer:
            assert json.load(answer) == [ada]
        process.send_signal(number)
        _, told = process.communicate(timeout=30)
    steps = [
        "Waiting for application shutdown.",
        "guestbook.plugins.archive: the archive has 1 entries",
        "guestbook.plugins.store: the store ends with 1 entries",
        "Application shutdown complete.",
    ]
    assert re.findall("|".join(map(re.escape, steps)), told) == steps
    assert "Traceback" not in told
    assert process.returncode == status
    (kept,) = json.loads((tmp_path / "archive/entries.json").read_text("utf-8"))
    assert (kept["name"], kept["text"]) == ("Ada", "I was here.")


def test_a_client_that_stalls_does_not_keep_it_from_its_end(tmp_path: Path) -> None:
    """Its request is given up after a while; the plugins are torn down, and what is written is kept."""
    (tmp_path / "archive").mkdir()
    with served(tmp_path, "--patience", "1") as (process, address):
        body = json.dumps({"name": "Ada", "text": "I was here."}).encode()
        urllib.request.urlopen(f"{address}/entries", body, timeout=20).close()
        port = int(address.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=20) as stalled:
            stalled.sendall(b"POST /entries HTTP/1.1\r\nHost: localhost\r\nContent-Length: 40\r\n\r\n{")
            # An answer on another connection that began later: the server has the first one as well by then.
            urllib.request.urlopen(f"{address}/entries", timeout=20).close()
            process.send_signal(signal.SIGTERM)
            _, told = process.communicate(timeout=30)
    assert "guestbook.plugins.store: the store ends with 1 entries" in told
    assert len(json.loads((tmp_path / "archive/entries.json").read_text("utf-8"))) == 1


def test_an_end_that_fails_is_told_by_the_status(tmp_path: Path) -> None:
    """After the others have been torn down."""
    (tmp_path / "archive/entries.new").mkdir(parents=True)
    with served(tmp_path) as (process, _):
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=30)
    assert "extension '__EXT_archive' failed in teardown: IsADirectoryError" in told
    assert "the store ends with 0 entries" in told
    assert process.returncode == 1


def test_a_plugin_that_fails_ends_it_with_one_clear_error(tmp_path: Path) -> None:
    """What had started is undone, no port is opened, and no traceback of the host is shown."""
    settings = (
        'instance.enabled_extensions=["__EXT_hyperion_logger", "__EXT_store", "__EXT_archive"]',
        "instance.optional_extensions=[]",
    )
    options = [word for setting in settings for word in ("--set", setting)]
    done = subprocess.run(
        [*SERVE, *options], cwd=tmp_path, capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 3
    error = (
        "extension '__EXT_archive' failed in initialize: NotADirectoryError: there is no folder 'archive': make it to "
        "keep entries; what had started was taken down again. Mend the extension or its configuration, or ask for it "
        "in optional_extensions to start without it"
    )
    told = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
    assert told == [f"ERROR:    {error}", "ERROR:    Application startup failed. Exiting."]
    assert "guestbook.plugins.store: the store ends with 0 entries" in done.stderr
    assert "Traceback" not in done.stderr
    assert "running on" not in done.stderr


def test_a_port_that_cannot_be_is_one_line(tmp_path: Path) -> None:
    """As any other wrong option."""
    done = subprocess.run(
        [*SERVE, "--port", "80000"], cwd=tmp_path, capture_output=True, text=True, timeout=30, check=False
    )
    last = "guestbook: error: argument --port: a port is a number from 0 to 65535"
    assert (done.returncode, done.stderr.splitlines()[-1]) == (2, last)


def test_a_wrong_setting_is_one_line(tmp_path: Path) -> None:
    """Before anything starts."""
    done = subprocess.run(
        [*SERVE, "--set", "ext.__EXT_store.keep=3"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    told = "guestbook: --set ext.__EXT_store.keep: unknown key; known: keep_seconds, sweep_seconds\n"
    assert (done.returncode, done.stderr) == (2, told)
