from __future__ import annotations

import base64
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from attendance.peers.http_peer import Fault
from attendance.peers.webhook import Webhook
from visavis.attendance.integrations import push as pushing
from visavis.attendance.integrations.push import push, read_states
from visavis.attendance.integrations.types import PushReport
from visavis.attendance.integrations.webhook import read_key, sign
from visavis.attendance.site import Site
from visavis.attendance.types import Punch
from visavis.errors import UsageError

AddPunch = Callable[..., Punch]


def deliver(folder: Path, *, retry: bool = False) -> PushReport:
    with Site(folder) as site:
        return push(site, "webhook", retry=retry, pauses=())


def test_the_signature_is_that_of_the_specification() -> None:
    """The example of standard-webhooks: spec/standard-webhooks.md and its libraries' tests."""
    key = read_key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    signature = sign(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize("secret", ["short", "whsec_!!!", "whsec_" + base64.b64encode(b"x" * 23).decode()])
def test_a_weak_key_is_refused(secret: str) -> None:
    with pytest.raises(UsageError, match=r"the key of a webhook (has at least 24 bytes|is whsec_ and base64)"):
        read_key(secret)


def test_every_change_is_an_event(folder: Path, webhook: Webhook, punch: AddPunch) -> None:
    added = punch("7", "08:00")
    with Site(folder) as site:
        corrected = site.ledger.correct(added.id, direction="out", reason="wrong button", actor="test")
        site.ledger.void(added.id, reason="another person", actor="test")
    report = deliver(folder)
    assert (report.created, report.waiting, report.stopped) == (3, 0, "")
    events = webhook.bodies
    kinds = ["attendance.punch", "attendance.correction", "attendance.void"]
    assert [event["type"] for event in events] == kinds
    assert [event["punch_id"] for event in events] == [added.id] * 3
    assert [event["punch"] and event["punch"]["direction"] for event in events] == ["in", "out", None]
    assert events[1]["punch"] == corrected.to_dict()
    assert deliver(folder).created == 0
    assert len(webhook.bodies) == 3


def test_a_lost_answer_is_a_repetition_with_the_same_id(folder: Path, webhook: Webhook, punch: AddPunch) -> None:
    for minute in range(3):
        punch("7", f"08:0{minute}")
    webhook.faults.extend([None, Fault.RESET_AFTER])
    assert deliver(folder).waiting == 2
    assert deliver(folder).waiting == 0
    assert len(webhook.bodies) == 3
    assert len(webhook.repeated) == 1


def test_the_order_is_kept_while_the_receiver_is_away(folder: Path, webhook: Webhook, punch: AddPunch) -> None:
    ids = [punch("7", f"08:0{minute}").id for minute in range(4)]
    webhook.faults.extend([503, Fault.RESET_BEFORE, 429, None, 500])
    while deliver(folder).waiting:
        pass
    assert [event["punch_id"] for event in webhook.bodies] == ids


def test_what_the_receiver_refuses_is_listed_and_sent_again_on_request(
    folder: Path, webhook: Webhook, punch: AddPunch
) -> None:
    refused, _ = punch("7", "08:00"), punch("8", "08:00")
    webhook.faults.append(422)
    report = deliver(folder)
    assert (report.created, report.waiting) == (1, 0)
    assert [(record.employee, record.at) for record in report.refused] == [("7", refused.at)]
    assert report.refused[0].reason == 'it answered 422: {"message": "out of order"}'
    assert len(deliver(folder).refused) == 1
    assert deliver(folder, retry=True).refused == ()
    assert len(webhook.bodies) == 2


@pytest.mark.parametrize("code", [401, 403, 404, 410, 302])
def test_a_wrong_address_or_key_refuses_no_event(folder: Path, webhook: Webhook, punch: AddPunch, code: int) -> None:
    punch("7", "08:00")
    webhook.faults.append(code)
    report = deliver(folder)
    assert (report.waiting, report.refused) == (1, ())
    assert str(code) in report.stopped


def test_failures_of_days_are_put_aside(
    folder: Path, webhook: Webhook, punch: AddPunch, monkeypatch: pytest.MonkeyPatch
) -> None:
    punch("7", "08:00")
    punch("8", "08:00")
    webhook.faults.append(500)
    assert deliver(folder).waiting == 2
    monkeypatch.setattr(pushing, "GIVE_UP", timedelta())
    webhook.faults.append(Fault.RESET_BEFORE)  # a receiver that is away for days says nothing about the event
    assert deliver(folder).waiting == 2
    webhook.faults.append(500)
    report = deliver(folder)
    assert (report.waiting, report.created, len(report.refused)) == (0, 1, 1)


def test_a_receiver_whose_clock_is_off_refuses_and_nothing_is_lost(
    folder: Path, webhook: Webhook, punch: AddPunch
) -> None:
    punch("7", "08:00")
    webhook.clock = lambda: time.time() + 400
    assert deliver(folder).waiting == 1
    webhook.clock = lambda: time.time() + 200
    assert deliver(folder).created == 1


def test_states_of_targets(folder: Path, webhook: Webhook, punch: AddPunch) -> None:
    punch("7", "08:00")
    with Site(folder) as site:
        (state,) = read_states(site)
    assert (state.target, state.kind, state.waiting) == ("webhook", "webhook", 1)
    assert state.url.endswith("/hook")


def test_two_pushes_at_a_time_exclude_each_other(folder: Path, webhook: Webhook, punch: AddPunch) -> None:
    from visavis.attendance.integrations.deliveries import claim_target
    from visavis.errors import AttendanceError

    punch("7", "08:00")
    with Site(folder) as site, claim_target(site.database, site.folder, "webhook"):
        with pytest.raises(AttendanceError, match="another process delivers to webhook: wait until it has ended"):
            deliver(folder)
        with claim_target(site.database, site.folder, "another"):
            pass
    assert deliver(folder).created == 1


def test_the_time_in_events_has_its_offset(folder: Path, webhook: Webhook, punch: AddPunch) -> None:
    added = punch("7", "08:00")
    deliver(folder)
    (event,) = webhook.bodies
    assert event["punch"]["at"].endswith("T08:00:00+07:00")
    assert datetime.fromisoformat(event["punch"]["at"]) == added.at.astimezone(UTC)
