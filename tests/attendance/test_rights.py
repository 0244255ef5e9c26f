"""Consent, its withdrawal, export, erasure, retention, and the log of who looked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import text

from attendance.conftest import ANN, BEN, EVE, ZONE, punch
from visavis.attendance.accesses import add_accesses, read_accesses
from visavis.attendance.closings import close_month
from visavis.attendance.consents import find_withdrawn, give_consent, link_person, read_consents
from visavis.attendance.rights import apply_retention, erase, export_employee, withdraw_consent
from visavis.attendance.settings import SiteSettings
from visavis.attendance.site import Site
from visavis.errors import GalleryError, UnknownNameError, UsageError, VisavisWarning
from visavis.gallery import Gallery, Template, _people

MODEL = "sface"
MORNING = punch(1, "2", "2026-03-02T08:00:00+01:00", "in")
LEAVE = {"kind": "vacation", "first": "2026-03-09", "last": "2026-03-11", "part": "whole"}


@pytest.fixture
def enrolled(tmp_path: Path) -> Site:
    """A site whose employee 2 has agreed, and is person 1 of its gallery."""
    site = Site.create(tmp_path / "site", SiteSettings("Berlin", ZONE, gallery="sqlite:///faces.db"))
    site.put_employees([ANN, BEN, EVE], actor="tester")
    with Gallery(site.folder / "faces.db", model=MODEL) as gallery:
        gallery.add("Ben", [Template(np.eye(128, dtype=np.float32)[0])])
    with site.ledger.write(actor="desk") as writer:
        give_consent(writer, "2", text_version="2026-01", given=date(2026, 1, 2))
        link_person(writer, "2", 1)
    return site


def people_of(site: Site) -> list[str]:
    with Gallery(site.folder / "faces.db", create=False) as gallery:
        return [person.name for person in gallery.people()]


def test_no_face_is_enrolled_without_consent(file_site: Site) -> None:
    with pytest.raises(UsageError, match="has given no consent"), file_site.ledger.write(actor="desk") as writer:
        link_person(writer, "2", 1)
    assert file_site.employee("2").person_id is None


def test_a_withdrawal_removes_the_templates_at_once(enrolled: Site) -> None:
    face = replace(MORNING, method="face", distance=0.3)
    enrolled.ledger.add([face], actor="camera")
    assert people_of(enrolled) == ["Ben"]
    removed = withdraw_consent(enrolled, "2", actor="desk")
    assert (removed.people, people_of(enrolled), enrolled.employee("2").person_id) == (1, [], None)
    with enrolled.database.read() as conn:
        (consent,) = read_consents(conn, "2")
        assert find_withdrawn(conn, ["1", "2", "3"]) == ["2"]
    assert (consent.text_version, consent.given, consent.recorded_by) == ("2026-01", date(2026, 1, 2), "desk")
    assert consent.withdrawn is not None
    with pytest.raises(UsageError, match="employee '2' has withdrawn the consent to be recognized by the face"):
        enrolled.ledger.add([replace(face, id="x")], actor="camera")
    by_pin = replace(MORNING, id="y", method="pin")
    assert enrolled.ledger.add([by_pin], actor="kiosk") == [by_pin]
    assert withdraw_consent(enrolled, "2", actor="desk").people == 0  # a second time
    with enrolled.ledger.write(actor="desk") as writer:
        give_consent(writer, "2", text_version="2026-01", given=date(2026, 2, 2))
    assert len(enrolled.ledger.add([replace(face, id="z")], actor="camera")) == 1
    assert enrolled.verify() == []


def test_a_punch_from_before_a_withdrawal_can_still_be_corrected(enrolled: Site) -> None:
    enrolled.ledger.add([replace(MORNING, method="face", distance=0.3)], actor="camera")
    request = enrolled.request("2", "correction", {"punch_id": "p1", "direction": "out"}, reason="late", actor="Ben")
    withdraw_consent(enrolled, "2", actor="desk")
    assert enrolled.decide(request.id, approve=True, actor="boss").state == "approved"
    assert enrolled.ledger.punch("p1").direction == "out"


def test_a_withdrawal_holds_where_the_gallery_cannot_be_opened(enrolled: Site) -> None:
    path = enrolled.folder / "faces.db"
    path.rename(enrolled.folder / "away.db")
    with pytest.raises(GalleryError):
        withdraw_consent(enrolled, "2", actor="desk")
    with pytest.raises(UsageError, match="has withdrawn"):
        enrolled.ledger.add([replace(MORNING, method="face")], actor="camera")
    (enrolled.folder / "away.db").rename(path)
    assert withdraw_consent(enrolled, "2", actor="desk").people == 1
    assert (people_of(enrolled), enrolled.employee("2").person_id) == ([], None)


def test_a_withdrawal_removes_the_templates_of_a_person_who_was_merged(enrolled: Site) -> None:
    """Through a second merge; a face that was moved on to another person since then is that person's."""
    vectors = np.eye(128, dtype=np.float32)
    with Gallery(enrolled.folder / "faces.db", create=False) as gallery:
        own = [template.id for template in gallery.person(1).templates]
        gallery.add("Ben", [Template(vectors[1])])
        moved_on = gallery.person(1).templates[-1].id
        gallery.add("Benjamin", [Template(vectors[2])])
        gallery.merge(1, "Benjamin")
        gallery.add("Eve", [Template(vectors[3])])
        gallery.move([moved_on], "Eve")
        gallery.add("B.", [Template(vectors[4])])
        gallery.merge("Benjamin", "B.")
    expected = r"was employee '2', was merged into person \d+ \('B.'\): the templates that came with it are removed"
    with pytest.warns(VisavisWarning, match=expected) as caught:
        assert withdraw_consent(enrolled, "2", actor="desk").people == 0
    assert len(caught) == 1
    with Gallery(enrolled.folder / "faces.db", create=False) as gallery:
        left = {person.name: [template.id for template in person.templates] for person in gallery.people()}
    assert (len(left["Eve"]), len(left["B."]), moved_on in left["Eve"]) == (2, 2, True)
    assert own[0] not in {*left["Eve"], *left["B."]}


def test_a_withdrawal_names_a_merge_of_which_the_templates_are_not_known(
    enrolled: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Gallery(enrolled.folder / "faces.db", create=False) as gallery:
        gallery.add("Benjamin", [Template(np.eye(128, dtype=np.float32)[1])])
        with monkeypatch.context() as patch:  # as an older version has logged it
            patch.setattr(_people, "describe_merge", lambda source, ids: f"{len(ids)} templates of person {source}")
            gallery.merge(1, "Benjamin")
    with pytest.warns(
        VisavisWarning, match=r"person 1, .* into person 2 \('Benjamin'\): remove the templates of the emp"
    ):
        assert withdraw_consent(enrolled, "2", actor="desk").people == 0
    assert people_of(enrolled) == ["Benjamin"]


def test_a_withdrawal_says_who_the_employee_was_before(enrolled: Site) -> None:
    """The link was changed to a second person, who may be the same human."""
    with Gallery(enrolled.folder / "faces.db", create=False) as gallery:
        gallery.add("Ben again", [Template(np.eye(128, dtype=np.float32)[1])])
    with enrolled.ledger.write(actor="desk") as writer:
        link_person(writer, "2", 2)
    with pytest.warns(VisavisWarning, match=r"employee '2' was person 1 \('Ben'\) before") as caught:
        assert withdraw_consent(enrolled, "2", actor="desk").people == 1
    assert (len(caught), people_of(enrolled)) == (1, ["Ben"])


def test_a_person_is_one_employee(enrolled: Site) -> None:
    with enrolled.ledger.write(actor="desk") as writer:
        give_consent(writer, "3", text_version="1", given=date(2026, 1, 2))
        with pytest.raises(UsageError, match="person 1 is employee '2' already"):
            link_person(writer, "3", 1)
    enrolled.put_employees([replace(EVE, person_id=1)], actor="desk")  # as an earlier version allowed
    with pytest.warns(VisavisWarning, match="employee '3' was the same person, who is removed"):
        assert withdraw_consent(enrolled, "2", actor="desk").people == 1
    assert [each.person_id for each in enrolled.employees()] == [None, None, None]


def test_consents_are_given_once(file_site: Site) -> None:
    with file_site.ledger.write(actor="desk") as writer:
        give_consent(writer, "2", text_version="1", given=date(2026, 1, 2))
        with pytest.raises(UsageError, match="has agreed to '1' already"):
            give_consent(writer, "2", text_version="1", given=date(2026, 1, 3))
        with pytest.raises(UsageError, match="needs the version of the text"):
            give_consent(writer, "2", text_version=" ", given=date(2026, 1, 3))
        with pytest.raises(UnknownNameError):
            give_consent(writer, "9", text_version="1", given=date(2026, 1, 3))


def test_an_export_has_all_about_a_person_and_nothing_of_others(enrolled: Site) -> None:
    enrolled.ledger.add([MORNING, punch(2, "1", "2026-03-02T09:00:00+01:00")], actor="gate")
    enrolled.ledger.correct("p1", reason="bus", actor="boss", direction="out")
    request = enrolled.request("2", "leave", LEAVE, reason="a wedding", actor="Ben")
    enrolled.decide(request.id, approve=True, actor="boss")
    enrolled.record_access("day 2026-03-02", actor="boss")
    enrolled.record_access("history", actor="spy", employees=["2"])
    enrolled.record_access("history", actor="other", employees=["1"])
    export = export_employee(enrolled, "2")
    assert (export.employee.name, [each.text_version for each in export.consents]) == ("Ben", ["2026-01"])
    kinds = [record.kind for record in export.records if record.kind != "event"]
    assert (kinds, {record.employee for record in export.records}) == (["punch", "correction"], {"2"})
    assert [each.kind for each in export.leaves] == ["vacation"]
    assert [each.state for each in export.requests] == ["approved"]
    assert [each.actor for each in export.accesses] == ["spy", "boss"]
    assert export.gallery is not None
    assert (export.gallery["person"]["name"], len(export.gallery["faces"])) == ("Ben", 1)
    with pytest.raises(UnknownNameError):
        export_employee(enrolled, "9")


def test_an_export_has_everyone_who_looked(file_site: Site) -> None:
    with file_site.database.write() as conn:
        add_accesses(conn, datetime(2026, 3, 1, tzinfo=UTC), "spy", "history", ["2"])
        for _ in range(1000):
            add_accesses(conn, datetime(2026, 3, 2, tzinfo=UTC), "gate", "who is in", ())
    accesses = export_employee(file_site, "2").accesses
    assert (len(accesses), accesses[-1].actor) == (1001, "spy")


def test_an_erasure_leaves_nothing_but_a_whole_chain(site: Site) -> None:
    site.put_employees([replace(BEN, name="Benedikt Unmistakable")], actor="tester")
    others = [punch(2, "1", "2026-03-02T09:00:00+01:00"), punch(3, "1", "2026-03-02T10:00:00+01:00")]
    site.ledger.add([MORNING, *others], actor="gate")
    site.ledger.correct("p1", reason="unmistakable reason", actor="boss", direction="out")
    request = site.request("2", "leave", LEAVE, reason="unmistakable wedding", actor="Ben")
    site.decide(request.id, approve=True, actor="boss")
    site.record_access("history", actor="boss", employees=["2"])
    with site.ledger.write(actor="boss") as writer:
        give_consent(writer, "2", text_version="1", given=date(2026, 1, 2))
        close_month(writer, "2026-03", {"1": {"worked": 5}, "2": {"worked": 7}}, last_record=9)
    with pytest.raises(UsageError, match="an erasure needs a reason"):
        erase(site, "2", actor="boss", reason="")
    before = site.ledger.newest()
    assert erase(site, "2", actor="boss", reason="asked for").records > 8
    assert (site.ledger.newest() > before, site.verify()) == (True, [])
    assert site.punches() == others
    assert [employee.number for employee in site.employees()] == ["1", "3"]
    assert (site.leaves(), site.ledger.history(employee="2"), site.ledger.history(punch_id="p1")) == ([], [], [])
    assert [change.punch_id for change in site.ledger.changes()] == ["p2", "p3"]
    with site.database.read() as conn:
        for table in ("requests", "consents", "figures", "accesses", "leaves"):
            count = conn.execute(text(f"SELECT count(*) FROM attendance_{table} WHERE employee = '2'"))
            assert count.scalar() == 0, table
    if site.settings.database.startswith("sqlite"):
        stored = b"".join(path.read_bytes() for path in site.folder.glob("attendance.db*"))
        assert b"nmistakable" not in stored
    site.put_employees([BEN], actor="tester")  # the number can be given again
    assert site.verify() == []


def test_an_erased_correction_does_not_bring_back_what_it_corrected(site: Site) -> None:
    """A punch of Ann was really Ben's: without Ben it is not Ann's again; one of Ben's that was Ann's stays hers."""
    site.ledger.add([punch(1, "1", "2026-03-02T08:00:00+01:00"), punch(2, "2", "2026-03-02T09:00:00+01:00")], actor="g")
    site.ledger.correct("p1", reason="it was Ben", actor="boss", employee="2")
    hers = site.ledger.correct("p2", reason="it was Ann", actor="boss", employee="1")
    erase(site, "2", actor="boss", reason="asked for")
    assert (site.punches(), site.verify()) == ([hers], [])


def test_a_restored_backup_shows_what_was_erased(file_site: Site) -> None:
    """The content of an erased record that is there again is a fault, not a record."""
    file_site.ledger.add([MORNING], actor="gate")
    with file_site.database.read() as conn:
        row = conn.execute(text("SELECT * FROM attendance_records WHERE punch_id = 'p1'")).one()._mapping
    erase(file_site, "2", actor="boss", reason="asked for")
    assert file_site.verify() == []
    columns = ", ".join(f"{name} = :{name}" for name in row if name != "number")
    with file_site.database.write() as conn:
        conn.execute(text(f"UPDATE attendance_records SET {columns} WHERE number = :number"), dict(row))
    assert [fault.message for fault in file_site.ledger.verify()] == [
        f"the content of record {row['number']} is there again after it was erased."
    ]


def test_what_is_older_than_the_site_keeps_is_removed(new_site: Callable[[str], Site]) -> None:
    site = new_site("sqlite:///attendance.db")
    path = site.folder / "site.toml"
    settings = path.read_text(encoding="utf-8").replace("punches_days = 0", "punches_days = 100")
    path.write_text(settings.replace("accesses_days = 0", "accesses_days = 10"), encoding="utf-8")
    now = datetime.now(UTC)
    times = {"old": 101, "moved": 101, "back": 99, "new": 99}
    punches = [replace(MORNING, id=name, at=now - timedelta(days=days)) for name, days in times.items()]
    with Site(site.folder) as kept:
        kept.ledger.add(punches, actor="gate")
        kept.ledger.correct("moved", reason="x", actor="boss", at=now - timedelta(days=98))
        kept.ledger.correct("back", reason="x", actor="boss", at=now - timedelta(days=102))
        kept.record_access("day", actor="boss")
        removed = apply_retention(kept, actor="job")
        assert (removed.records, removed.accesses) == (1, 0)
        assert [each.id for each in kept.punches()] == ["back", "new", "moved"]
        assert (kept.verify(), apply_retention(kept, actor="job").records) == ([], 0)
        with kept.database.write() as conn:
            conn.execute(text("UPDATE attendance_accesses SET at = '2026-01-01T00:00:00.000000+00:00'"))
        assert apply_retention(kept, actor="job").accesses == 1
        with kept.database.read() as conn:
            assert read_accesses(conn) == []


def test_without_settings_everything_is_kept(file_site: Site) -> None:
    file_site.ledger.add([replace(MORNING, at=datetime(2001, 1, 1, tzinfo=UTC))], actor="gate")
    assert apply_retention(file_site, actor="job").records == 0
    assert len(file_site.punches()) == 1
