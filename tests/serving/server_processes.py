"""`rida serve` in a process of its own."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx

ROOT = Path(__file__).parents[2]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return found.getsockname()[1]


@contextlib.contextmanager
def process(weights, *flags, code=None, ready=True, **streams):
    """A server that is ready, or only listens, and its address; `code` runs in place of the command if given."""
    url = f"http://127.0.0.1:{free_port()}"
    program = ["-c", code] if code else ["-m", "serving.cli"]
    command = [sys.executable, *program, "serve", "--port", url.rpartition(":")[2], "--weights", str(weights), *flags]
    with subprocess.Popen(command, cwd=ROOT, env=os.environ, **streams) as running:
        try:
            until = time.monotonic() + 60
            while status_of(url) not in ((200,) if ready else (200, 503)):
                assert time.monotonic() < until, "the server does not get ready"
                assert running.poll() is None, "the server has ended"
                time.sleep(0.02)
            yield running, url
        finally:
            running.kill()


def refused(weights, *flags) -> str:
    """What is said on stderr by a server that cannot start."""
    command = [sys.executable, "-m", "serving.cli", "serve", "--port", "0", "--weights", str(weights), *flags]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    return done.stderr


def status_of(url) -> int | None:
    """What the ready route answers; nothing where nobody listens."""
    try:
        return httpx.get(f"{url}/v2/health/ready", timeout=20).status_code
    except httpx.TransportError:
        return None
