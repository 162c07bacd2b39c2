"""AppendObject: one winner a position, and the race that the OBS FAQ warns of."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from obs import ObsClient

from localcloud.iam.credentials import AccessKey, Keyring
from localcloud.obs import LocalObs
from localcloud.obs.append import MAX_APPENDS
from localcloud.web import Server


def _append(client: ObsClient, key: str, position: int, content: str) -> Any:
    return client.appendObject("docs", key, content={"position": position, "content": content})


def _read(client: ObsClient, key: str) -> bytes:
    return bytes(client.getObject("docs", key, loadStreamInMemory=True).body.buffer)


def _together(count: int, work: Callable[[int], Any]) -> list[Any]:
    """Run ``work`` in that many threads at once and return what each returned."""
    barrier = threading.Barrier(count)
    results: list[Any] = [None] * count

    def run(number: int) -> None:
        barrier.wait()
        results[number] = work(number)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_appends_follow_one_another(client: ObsClient) -> None:
    # when
    first = _append(client, "journal.jsonl", 0, "one\n")
    second = _append(client, "journal.jsonl", first.body.nextPosition, "two\n")

    # then
    assert (first.status, second.status) == (200, 200)
    assert (first.body.nextPosition, second.body.nextPosition) == (4, 8)
    assert _read(client, "journal.jsonl") == b"one\ntwo\n"
    head = client.getObjectMetadata("docs", "journal.jsonl").body
    assert head.isAppendable
    assert (head.nextPosition, head.contentLength) == (8, 8)
    assert head.etag == second.body.etag != first.body.etag


def test_lists_tell_appendable_objects(client: ObsClient) -> None:
    # given
    client.putContent("docs", "a & <b>", "x")
    _append(client, "c & <d>\n文", 0, "x")

    # then
    for encoding in (None, "url"):
        entries = client.listObjects("docs", encoding_type=encoding).body.contents
        assert [(entry.key, entry.isAppendable) for entry in entries] == [("a & <b>", False), ("c & <d>\n文", True)]


def test_a_wrong_position_is_refused(client: ObsClient) -> None:
    # given
    _append(client, "journal.jsonl", 0, "one\n")

    # when
    answers = [_append(client, "journal.jsonl", position, "x") for position in (0, 3, 5)]
    missing = _append(client, "other.jsonl", 1, "x")

    # then
    for answer in (*answers, missing):
        assert (answer.status, answer.errorCode) == (409, "PositionNotEqualToLength")
    assert _read(client, "journal.jsonl") == b"one\n"


@pytest.mark.parametrize("position", ["-1", "x", ""])
def test_a_position_that_is_no_number_is_refused(client: ObsClient, position: str) -> None:
    answer = client.appendObject("docs", "j", content={"position": position, "content": "x"})

    assert (answer.status, answer.errorCode) == (400, "InvalidArgument")


def test_an_object_that_was_put_is_not_appendable(client: ObsClient) -> None:
    # given
    client.putContent("docs", "put.txt", "abc")

    # when
    answer = _append(client, "put.txt", 3, "x")

    # then
    assert (answer.status, answer.errorCode) == (409, "ObjectNotAppendable")
    assert not client.getObjectMetadata("docs", "put.txt").body.isAppendable


def test_put_and_copy_make_normal_objects_of_appendable_ones(client: ObsClient) -> None:
    # given
    _append(client, "a", 0, "abc")

    # when
    client.copyObject("docs", "a", "docs", "b")
    client.putContent("docs", "a", "abc")

    # then
    assert _append(client, "a", 3, "x").errorCode == "ObjectNotAppendable"
    assert _append(client, "b", 3, "x").errorCode == "ObjectNotAppendable"


def test_metadata_is_that_of_the_first_append(client: ObsClient) -> None:
    # when
    client.appendObject("docs", "j", content={"position": 0, "content": "a"}, metadata={"owner": "one"})
    client.appendObject("docs", "j", content={"position": 1, "content": "b"}, metadata={"owner": "two"})

    # then
    assert dict(client.getObjectMetadata("docs", "j").header)["owner"] == "one"


def test_the_number_of_appends_is_limited(keys: Keyring, key: AccessKey, connect: Callable[..., ObsClient]) -> None:
    # given
    obs = LocalObs(keys, appends=3)
    obs.create_bucket("docs")
    server = obs.serve()
    client = connect(server.endpoint, key)

    # when
    answers = [_append(client, "j", position, "x") for position in range(4)]

    # then
    assert [answer.status for answer in answers] == [200, 200, 200, 409]
    assert answers[3].errorMessage == "The object has reached the limit of 3 appends."
    server.stop()
    obs.close()


def test_the_limit_is_that_of_obs() -> None:
    assert MAX_APPENDS == 10_000


@pytest.mark.parametrize("round", range(5))
def test_of_simultaneous_appends_exactly_one_wins(
    server: Server, key: AccessKey, connect: Callable[..., ObsClient], round: int
) -> None:
    # given
    clients = [connect(server.endpoint, key) for _ in range(8)]
    _append(clients[0], "j", 0, "start\n")

    # when
    answers = _together(8, lambda number: _append(clients[number], "j", 6, f"{number}\n"))

    # then
    winners = [number for number, answer in enumerate(answers) if answer.status == 200]
    assert len(winners) == 1
    assert all(a.errorCode == "PositionNotEqualToLength" for n, a in enumerate(answers) if n not in winners)
    assert _read(clients[0], "j") == f"start\n{winners[0]}\n".encode()


def test_in_a_race_both_succeed_and_the_last_one_stands(
    local_obs: LocalObs, server: Server, key: AccessKey, connect: Callable[..., ObsClient]
) -> None:
    # given
    clients = [connect(server.endpoint, key) for _ in range(2)]
    _append(clients[0], "j", 0, "start\n")
    local_obs.race(window=5.0)

    # when
    answers = _together(2, lambda number: _append(clients[number], "j", 6, f"{number}\n"))
    local_obs.race(window=0)

    # then
    assert [answer.status for answer in answers] == [200, 200]
    assert [answer.body.nextPosition for answer in answers] == [8, 8]
    assert _read(clients[0], "j") in (b"start\n0\n", b"start\n1\n")


def test_in_a_race_a_lone_append_waits_for_the_window_only(local_obs: LocalObs, client: ObsClient) -> None:
    # given
    local_obs.race(window=0.05)

    # when
    first = _append(client, "j", 0, "one\n")
    late = _append(client, "j", 0, "two\n")

    # then
    assert (first.status, late.status) == (200, 409)
    assert _read(client, "j") == b"one\n"


def test_a_race_of_three(
    local_obs: LocalObs, server: Server, key: AccessKey, connect: Callable[..., ObsClient]
) -> None:
    # given
    clients = [connect(server.endpoint, key) for _ in range(3)]
    local_obs.race(window=5.0, racers=3)

    # when
    answers = _together(3, lambda number: _append(clients[number], "j", 0, f"{number}"))

    # then
    assert [answer.status for answer in answers] == [200, 200, 200]
    assert len(_read(clients[0], "j")) == 1
