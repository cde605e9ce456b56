"""Who may ask: the keys, and the rule for listening beyond loopback."""

from __future__ import annotations

import hashlib
import hmac
import socket

import pytest

from model.errors import InputError
from serving.http.keys import require_keys_beyond_loopback
from serving.http.rate_limit import RateLimit
from serving.http.server import listen
from serving.settings import read_settings

OLD, NEW = "old key", "new key \u0639"


def settings_with(**flags):
    return read_settings(flags, {})


@pytest.fixture(scope="module")
def keyed(start_server, tiny_classifier):
    hashes = ",".join(hashlib.sha256(key.encode()).hexdigest() for key in (OLD, NEW))
    with start_server(lambda: tiny_classifier, keys=hashes) as server:
        server.wait_until_ready()
        yield server.client


def operations(client, prefix):
    paths = client.get("/openapi.json").json()["paths"]
    return [(m, path, told) for path in paths if path.startswith(prefix) for m, told in paths[path].items()]


@pytest.mark.parametrize(
    "authorization",
    [None, b"", b"Bearer", b"Bearer wrong", b"Basic b2xkIGtleQ==", b"old key", b"Bearer \xff\xfe"],
    ids=str,
)
def test_every_route_but_health_needs_one_of_the_keys(keyed, authorization):
    found = [each for each in operations(keyed, "/") if not each[1].startswith("/v2/health/")]
    assert {path for _, path, _ in found} >= {"/v1/classify", "/v1/model", "/metrics"}
    for method, path, told in found:
        headers = [] if authorization is None else [(b"Authorization", authorization)]
        response = keyed.request(method, path, headers=headers)
        assert response.status_code == 401, path
        assert response.headers["WWW-Authenticate"] == "Bearer"
        assert "401" in told["responses"]
        assert told["security"]


@pytest.mark.parametrize("key", [OLD, NEW])
def test_each_key_opens_while_keys_are_being_changed(keyed, key):
    headers = [(b"Authorization", b"Bearer " + key.encode())]
    assert keyed.get("/v1/model", headers=headers).status_code == 200


def test_the_hash_of_a_key_does_not_open(keyed):
    digest = hashlib.sha256(OLD.encode()).hexdigest()
    assert keyed.get("/v1/model", headers={"Authorization": f"Bearer {digest}"}).status_code == 401


@pytest.mark.parametrize("key", [OLD, NEW, "neither"])
def test_a_key_is_compared_with_all_in_a_time_that_tells_nothing(keyed, monkeypatch, key):
    compared = []
    real = hmac.compare_digest
    monkeypatch.setattr(hmac, "compare_digest", lambda *both: compared.append(both) or real(*both))
    keyed.get("/v1/model", headers=[(b"Authorization", b"Bearer " + key.encode())])
    assert len(compared) == 2


def test_each_key_has_a_rate_of_its_own(start_server, tiny_classifier):
    hashes = ",".join(hashlib.sha256(key.encode()).hexdigest() for key in (OLD, NEW))
    with start_server(lambda: tiny_classifier, keys=hashes, texts_per_minute="2") as server:
        server.wait_until_ready()

        def ask(key):
            headers = [(b"Authorization", b"Bearer " + key.encode())]
            return server.client.post("/v1/classify", json={"texts": ["Great!"] * 2}, headers=headers)

        assert [ask(key).status_code for key in (OLD, OLD, NEW)] == [200, 429, 200]
        refused = ask(NEW)
        assert refused.json()["error"]["code"] == "rate_limited"
        assert 1 <= int(refused.headers["Retry-After"]) <= 60


def test_who_is_refused_for_want_of_time_pays_nothing(held):
    server, _ = held
    server.service.rate_limit = RateLimit(100)
    server.service.scoring.rate._of_one = 1.0
    for _ in range(3):
        answer = server.client.post("/v1/classify", json={"texts": ["Great parcel"] * 60})
        assert answer.json()["error"]["code"] in ("queue_full", "too_late", "too_much_text")


def test_health_is_open_to_all(keyed):
    for method, path, _ in operations(keyed, "/v2/health/"):
        assert keyed.request(method, path).status_code == 200


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
def test_loopback_needs_no_keys(address):
    require_keys_beyond_loopback(address, settings_with())


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "10.0.0.7", "8.8.8.8", "fe80::1%eth0", "::ffff:10.0.0.1"])
def test_any_other_address_needs_keys_or_a_clear_word(address):
    with pytest.raises(InputError, match=r"RIDA_KEYS or --keys .* --allow-open"):
        require_keys_beyond_loopback(address, settings_with())
    require_keys_beyond_loopback(address, settings_with(keys="a" * 64))
    require_keys_beyond_loopback(address, settings_with(allow_open="yes"))


def test_the_rule_is_applied_to_the_address_that_is_bound():
    with pytest.raises(InputError, match=r"serving on 0\.0\.0\.0"):
        listen(settings_with(host="0.0.0.0", port="0"))
    with listen(settings_with(host="localhost", port="0")) as listener:
        assert listener.getsockname()[0] in ("127.0.0.1", "::1")


def test_a_port_in_use_and_an_unknown_host_are_named():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match=rf"cannot listen on 127\.0\.0\.1 port {port}"):
            listen(settings_with(port=str(port)))
    with pytest.raises(InputError, match="no address is known for"):
        listen(settings_with(host="x" * 64))
