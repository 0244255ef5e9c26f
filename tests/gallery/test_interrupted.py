"""An interrupt inside a transaction: what follows in the same process does not wait for its lock."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path
from time import monotonic

import pytest
from sqlalchemy import event

from visavis.gallery import Gallery

from .faces import MODEL, person

CHANGES = {
    "enroll": lambda gallery: gallery.add(*person(2)),
    "rename": lambda gallery: gallery.rename("person 1", "person 4"),
    "list": lambda gallery: gallery.people(),
}


@pytest.mark.parametrize("change", CHANGES)
def test_the_lock_of_an_interrupted_transaction_is_free_while_the_interrupt_is_handled(path: Path, change: str) -> None:
    """The traceback, and so the cursor of the statement, is alive as long as the interrupt is handled."""
    with Gallery(path, model=MODEL) as gallery:
        gallery.add(*person(1))
        interrupted = 0
        while interrupt_at(gallery, CHANGES[change], interrupted):
            interrupted += 1
        assert interrupted >= 2
        names = {each.name for each in gallery.people()}
        assert {f"person {10 + number}" for number in range(interrupted)} <= names
        gallery.compact()
        assert gallery.check() == []


def interrupt_at(gallery: Gallery, change: Callable[[Gallery], object], number: int) -> bool:
    """Interrupt after the statement of this number, and enroll a person meanwhile; return whether there is one."""
    engine = gallery.opened.database._engine
    numbers = count()

    def interrupt(*_: object) -> None:
        if next(numbers) == number:
            raise KeyboardInterrupt

    event.listen(engine, "after_cursor_execute", interrupt)
    try:
        change(gallery)
    except KeyboardInterrupt:
        event.remove(engine, "after_cursor_execute", interrupt)
        started = monotonic()
        gallery.add(*person(10 + number))
        assert monotonic() - started < 25  # a lock is waited for 30
        return True
    event.remove(engine, "after_cursor_execute", interrupt)
    return False
