from datetime import timedelta

import pytest

from evportal import health


def broken() -> None:
    raise ConnectionError("away")


def test_alive_asks_nothing(client):
    answer = client.get("/healthz")
    assert (answer.status_code, answer.content) == (200, b"alive")


@pytest.fixture
def worker(monkeypatch):
    def seen(age: timedelta | None) -> None:
        monkeypatch.setattr(health, "heartbeat_age", lambda: age)

    return seen


@pytest.mark.django_db
def test_ready_when_every_part_answers(client, worker):
    worker(timedelta(seconds=2))
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {"database": "ready", "channel layer": "ready", "worker": "ready"}


@pytest.mark.django_db
@pytest.mark.parametrize("age", [None, timedelta(minutes=2)])
def test_not_ready_when_no_worker_was_seen_lately(client, worker, age):
    worker(age)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["worker"] == "not ready"


@pytest.mark.django_db
@pytest.mark.parametrize("part", ["database", "channel layer"])
def test_not_ready_when_a_part_does_not_answer(client, monkeypatch, part):
    monkeypatch.setitem(health.CHECKS, part, broken)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()[part] == "not ready"


def test_figures_are_open_on_an_embedded_machine(client, settings):
    settings.EMBEDDED, settings.METRICS_TOKEN = True, ""
    assert b"python_info" in client.get("/metrics").content


def test_figures_are_closed_elsewhere(client, settings):
    settings.EMBEDDED, settings.METRICS_TOKEN = False, ""
    assert client.get("/metrics").status_code == 404


@pytest.mark.parametrize("offered, status", [("Bearer right", 200), ("Bearer wrong", 404), ("", 404)])
def test_figures_ask_for_their_token(client, settings, offered, status):
    settings.METRICS_TOKEN = "right"
    assert client.get("/metrics", headers={"Authorization": offered}).status_code == status


@pytest.mark.parametrize("door", ["/healthz", "/readyz", "/metrics"])
def test_probes_only_look(client, door):
    assert client.post(door).status_code == 405
