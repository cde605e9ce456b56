"""Stands for Chatwoot, Zendesk, Zammad, Slack and a webhook's receiver, with the faults of real ones."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections import deque
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from serving.hooks.signatures import RIDA

WEBHOOK_SECRET = "secret of the webhook"
AUTHORIZATION = {
    "chatwoot": ("api_access_token", "chatwoot token"),
    "zendesk": ("Authorization", "Basic " + base64.b64encode(b"me@x.y/token:zendesk").decode()),
    "zammad": ("Authorization", "Token token=zammad token"),
    "slack": ("Authorization", "Bearer slack token"),
}


class Fake:
    """What the systems hold, what they were asked, and the faults that the next requests meet."""

    def __init__(self):
        self.labels = {}
        self.priority = {}
        self.posted = []
        self.received = []
        self.asked = []
        self.refused = []
        self.faults = deque()
        self.down = False

    def settings(self, url, *targets):
        """The settings with which a server tells these targets."""
        every = {
            "chatwoot": {"chatwoot_url": f"{url}/chatwoot", "chatwoot_token": "chatwoot token"},
            "zendesk": {"zendesk_url": f"{url}/zendesk", "zendesk_token": "me@x.y/token:zendesk"},
            "zammad": {"zammad_url": f"{url}/zammad", "zammad_token": "zammad token"},
            "slack": {"slack_url": f"{url}/slack", "slack_channel": "C9", "slack_token": "slack token"},
            "webhook": {"webhook_url": f"{url}/webhook", "webhook_secret": WEBHOOK_SECRET},
        }
        return {name: value for target in targets for name, value in every[target].items()}

    def answer(self, method, path, query, headers, body):
        system, _, rest = path.strip("/").partition("/")
        content = json.loads(body) if body else {}
        if system in AUTHORIZATION:
            name, value = AUTHORIZATION[system]
            if headers.get(name) != value:
                self.refused.append(path)
                return 401, {}
        return getattr(self, system)(method, rest.split("/"), query, headers, content, body)

    def chatwoot(self, method, path, query, headers, content, body):
        # api/v1/accounts/1/conversations/7[/labels]
        key = ("chatwoot", f"{path[3]}/{path[5]}")
        if path[-1] == "labels":
            if method == "POST":
                self.labels[key] = content["labels"]
            return 200, {"payload": self.labels.get(key, [])}
        assert method == "PATCH"
        self.priority[key] = content["priority"]
        return 200, {}

    def zendesk(self, method, path, query, headers, content, body):
        # api/v2/tickets/7/tags.json or api/v2/tickets/7.json
        key = ("zendesk", path[3].removesuffix(".json"))
        if path[-1] == "tags.json":
            there = self.labels.setdefault(key, [])
            tags = content.get("tags", [])
            if method == "PUT":
                there += [tag for tag in tags if tag not in there]
            elif method == "DELETE":
                self.labels[key] = [tag for tag in there if tag not in tags]
            return 200, {"tags": self.labels[key]}
        assert method == "PUT"
        self.priority[key] = content["ticket"]["priority"]
        return 200, {}

    def zammad(self, method, path, query, headers, content, body):
        if path[2] == "tickets":
            self.priority["zammad", path[3]] = content["priority"]
            return 200, {}
        key = ("zammad", str(content.get("o_id") or query["o_id"][0]))
        there = self.labels.setdefault(key, [])
        if (method, path[-1]) == ("POST", "add"):
            there += [content["item"]] if content["item"] not in there else []
        elif (method, path[-1]) == ("DELETE", "remove"):
            there.remove(content["item"])
        return 200, {"tags": there}

    def slack(self, method, path, query, headers, content, body):
        if path[-1] == "chat.postMessage":
            self.posted.append(content)
            return 200, {"ok": True}
        assert (path[-1], query["channel"], query["include_all_metadata"]) == (
            "conversations.history",
            ["C9"],
            ["true"],
        )
        return 200, {"ok": True, "messages": [{"text": "hi"}, *self.posted]}

    def webhook(self, method, path, query, headers, content, body):
        stamp = headers["X-Rida-Timestamp"]
        if headers["X-Rida-Signature"] != RIDA.sign(WEBHOOK_SECRET, stamp, body) or abs(time.time() - int(stamp)) > 300:
            self.refused.append("webhook")
            return 401, {}
        # A receiver keeps what it has taken in by its id.
        if headers["X-Rida-Delivery"] not in {each["id"] for each in self.received}:
            self.received.append(content)
        return 204, None


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def handle_any(self):
        fake = self.server.fake
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        url = urlsplit(self.path)
        fake.asked.append((self.command, url.path))
        fault = "cut before" if fake.down else fake.faults.popleft() if fake.faults else None
        if fault == "cut before":
            self.close_connection = True
            return
        if isinstance(fault, int):
            self.respond(fault, {}, {"Retry-After": "1"} if fault == 429 else {})
            return
        status, content = fake.answer(self.command, url.path, parse_qs(url.query), self.headers, body)
        if fault == "late":
            time.sleep(1)
        if fault == "cut after":
            self.close_connection = True
            return
        if fault == "nonsense":
            content = ["what", "is", "this"]
        self.respond(status, content, {})

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any  # noqa: N815 (the library's names)

    def respond(self, status, content, headers):
        body = b"" if content is None else json.dumps(content).encode()
        try:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except OSError:
            self.close_connection = True

    def log_message(self, *_):
        pass


@contextmanager
def running_fake():
    fake = Fake()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    server.fake = fake
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield fake, f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
