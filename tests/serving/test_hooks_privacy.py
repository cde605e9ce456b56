"""No text of a customer, no id of a conversation and no secret stands in a log line, a metric or an error."""

from __future__ import annotations

import json

import pytest
from chat_systems import BODIES, SECRETS, deliver, signed
from fake_systems import WEBHOOK_SECRET, running_fake
from log_lines import logged
from sqlalchemy.exc import OperationalError
from stores import count
from stub_classifiers import Quoting

from serving.http.logs import FORMATTERS
from serving.outbox import sender
from serving.store.tables import messages, outbox

CANARY = "canary-c0de-tell-nobody"
CONVERSATION = 7070707


@pytest.fixture(params=FORMATTERS)
def written(request):
    """Everything that the process logs: here the server has a client too, and what that says counts."""
    with logged(request.param) as found:
        yield found


def test_nothing_is_told_of_what_comes_in_goes_wrong_and_goes_out(start_desk, tiny_classifier, written, monkeypatch):
    monkeypatch.setattr(sender, "_FIRST_WAIT", 0.05)
    said = ""
    stub = Quoting(tiny_classifier)
    with running_fake() as (fake, url):
        settings = fake.settings(url, "webhook", "slack", "zammad")
        with start_desk(classifier=stub, **settings) as server:
            store = server.service.settings.store
            for system, body in BODIES.items():
                payload = body(f"{CANARY} you thieves the parcel is a scam!!!", CONVERSATION, 1)
                said += deliver(server.client, system, payload).text
                said += deliver(server.client, system, payload, secret="another secret").text
                said += deliver(server.client, system, payload, age=4000).text
                broken = json.dumps(payload).encode()[:-1]
                said += server.client.post(f"/hooks/{system}", content=broken, headers=signed(system, broken)).text
            server.wait_for(lambda: count(store, messages, messages.c.status == "scored") == 6)
            fake.faults.extend([500, "cut after"])
            stub.armed = True
            said += deliver(server.client, "generic", {"conversation": [CANARY], "id": 1, "text": CANARY}).text
            said += deliver(
                server.client, "generic", {"conversation": str(CONVERSATION), "id": CANARY, "text": CANARY}
            ).text
            server.wait_for(lambda: count(store, messages, messages.c.status == "rejected") == 1)
            server.wait_for(lambda: not count(store, outbox, outbox.c.status != "done"))

            def fail(*_, **__):
                raise OperationalError(f"INSERT {CANARY}", {"text": CANARY}, Exception(CANARY))

            with monkeypatch.context() as broken_store:
                for name in ("change", "look"):
                    broken_store.setattr(server.service.desk.database, name, fail)
                said += deliver(server.client, "generic", {"conversation": "8", "id": 1, "text": CANARY}).text
                server.wait_for(lambda: "a delivery could not be stored: OperationalError" in written())
            said += server.client.get("/metrics").text
    told = said + written()
    assert "store_failed" in told
    for secret in (CANARY, str(CONVERSATION), WEBHOOK_SECRET, "slack token", "zammad token", *SECRETS.values()):
        assert secret not in told
