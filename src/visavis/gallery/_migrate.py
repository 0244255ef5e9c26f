"""Change the model of a gallery: fill the second set, compare both models on the gallery's own pairs, switch, go back.

Until the switch the gallery answers as before. The switch is one transaction, under the write lock, which begins by
looking for faces that were enrolled since the second set was filled: these are filled first.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from visavis.compare import Calibration, calibration, own_or_shipped
from visavis.embedders import model_id
from visavis.embedding_cache.stored_files import forget_photos
from visavis.errors import UsageError
from visavis.gallery._lost_faces import describe_lost, remove_lost
from visavis.gallery._open_gallery import OpenGallery, check_length, parse_stored_calibration
from visavis.gallery._pair_errors import measure_pairs
from visavis.gallery._second_embeddings import InterruptedFillError, LostIds, fill, list_missing
from visavis.gallery.migration_types import Confirm, Migration, MigrationState, PairErrors, Progress
from visavis.gallery.sql import crops, records, rejections, second_set
from visavis.gallery.sql.second_set import PREPARED, SWITCHED

if TYPE_CHECKING:
    from visavis.pipeline import Recognizer


@dataclass(frozen=True, slots=True)
class MigrateOptions:
    """What a switch may cost: see :meth:`visavis.gallery.Gallery.migrate`."""

    accept_loss: bool = False
    accept_errors: bool = False
    thresholds: Calibration | None = None


@dataclass(frozen=True, slots=True)
class _Judgment:
    """The models compared; ``refused`` and ``message`` say why the switch is refused, or are empty."""

    refused: str = ""
    message: str = ""
    old: PairErrors | None = None
    new: PairErrors | None = None


def read_state(opened: OpenGallery) -> MigrationState:
    """Do as :meth:`visavis.gallery.Gallery.migration`."""
    with opened.database.read() as conn:
        return _read_state(conn)


def _read_state(conn: Connection) -> MigrationState:
    model, second = records.read_meta(conn).model, second_set.read_second_set(conn)
    filled, total = second_set.count_faces(conn, "" if second is None else second.model)
    if second is None:
        return MigrationState(model, None, "none", total, 0)
    return MigrationState(model, second.model, second.status, total, filled)


def migrate(
    opened: OpenGallery, model: str, options: MigrateOptions, progress: Progress, confirm: Confirm
) -> Migration:
    """Do as :meth:`visavis.gallery.Gallery.migrate`."""
    model = model_id(model)
    table = options.thresholds
    if table is not None:
        own_or_shipped(table, model)  # raises for a table of another model
    recognizer = opened.make_recognizer(model)
    recognizer.embedder  # noqa: B018 - raises here where its files are missing, before a second set is begun
    with opened.database.write() as conn:
        opened.require_model(conn)
        _begin(conn, opened, model)
        if table is not None:
            second_set.set_thresholds(conn, json.dumps(table.table()))
    return _Change(opened, opened.model, recognizer, progress, confirm).run(options, is_checked=True)


def go_back(opened: OpenGallery, progress: Progress, confirm: Confirm, *, accept_loss: bool) -> Migration:
    """Do as :meth:`visavis.gallery.Gallery.migrate_back`."""
    with opened.database.read() as conn:
        former = records.read_meta(conn).model  # also where this gallery was opened before the switch
        second = second_set.read_second_set(conn)
    if second is None or second.status != SWITCHED:
        raise UsageError("there is no model to go back to: the gallery has not changed its model, or finished that.")
    change = _Change(opened, former, opened.make_recognizer(second.model), progress, confirm)
    return change.run(MigrateOptions(accept_loss=accept_loss), is_checked=False)


def finish(opened: OpenGallery) -> MigrationState:
    """Do as :meth:`visavis.gallery.Gallery.finish_migration`."""
    with opened.database.read() as conn:
        if second_set.read_second_set(conn) is None:
            raise UsageError("there is no second set of embeddings: nothing is to be finished.")
    with opened.database.erasing() as conn:
        second = second_set.read_second_set(conn)
        if second is not None:
            second_set.drop(conn)
            opened.log(conn, "finish migration", None, f"embeddings of {second.model} removed")
        return _read_state(conn)


def keep_crops(opened: OpenGallery, *, keep: bool) -> int:
    """Do as :meth:`visavis.gallery.Gallery.keep_crops`."""
    with opened.database.write() if keep else opened.database.erasing() as conn:
        stored = crops.count_crops(conn)
        crops.set_keeping(conn, keep=keep)
        opened.log(conn, "keep crops", None, "on" if keep else f"off, {stored} crops removed")
    return 0 if keep else stored


def _begin(conn: Connection, opened: OpenGallery, model: str) -> None:
    """Begin a second set of ``model``, or go on with it."""
    second = second_set.read_second_set(conn)
    if opened.model == model:
        raise UsageError(f"this gallery is of {model} already.")
    if second is None:
        second_set.begin(conn, model)
        opened.log(conn, "begin migration", None, f"{opened.model} to {model}")
    elif second.model != model:
        raise UsageError(
            f"this gallery has a second set of embeddings of {second.model}: remove it first, by "
            "visavis gallery migrate --finish."
        )


class _Change:
    """A change from the model ``former`` to that of ``recognizer``, whose second set was begun."""

    def __init__(
        self, opened: OpenGallery, former: str, recognizer: Recognizer, progress: Progress, confirm: Confirm
    ) -> None:
        self._opened, self._former, self._recognizer = opened, former, recognizer
        self._progress, self._confirm = progress, confirm
        self._model = recognizer.model
        self._lost: LostIds = {}

    def run(self, options: MigrateOptions, *, is_checked: bool) -> Migration:
        """Fill, judge and switch; go on filling while faces are enrolled meanwhile."""
        judgment: _Judgment | None = None if is_checked else _Judgment()
        while True:
            try:
                self._lost = fill(self._opened, self._former, self._recognizer, self._progress, self._lost)
                if self._lost and not options.accept_loss:
                    return self._report(_Judgment("lost", _explain_loss(len(self._lost))))
                judgment = self._judge(options) if judgment is None else judgment
                if judgment.refused:
                    return self._report(judgment)
                lost = describe_lost(self._opened, self._lost)
                is_switched = self._switch()
            except InterruptedFillError:
                return self._report(_Judgment("stopped", "it was stopped; the next call goes on."))
            if is_switched:
                state = read_state(self._opened)
                return Migration(state, True, "", _explain_switch(state), lost, judgment.old, judgment.new)

    def _report(self, judgment: _Judgment) -> Migration:
        lost = describe_lost(self._opened, self._lost)
        state = read_state(self._opened)
        return Migration(state, False, judgment.refused, judgment.message, lost, judgment.old, judgment.new)

    def _judge(self, options: MigrateOptions) -> _Judgment:
        """Compare the models on the gallery's own pairs; an empty gallery needs no comparison."""
        with self._opened.database.read() as conn:
            self._opened.require_model(conn)
            second = second_set.require_second_set(conn, self._model)
            if second.dimension is None:
                return _Judgment()
            if second.calibration is not None:  # of this call or an earlier one
                check_length(parse_stored_calibration(second.calibration), second.dimension)
            old, new = measure_pairs(conn, second)
            has_table = self._opened.read_calibration(conn) is not None
        is_uncalibrated = has_table and second.calibration is None and calibration(self._model) is None
        refused = "" if options.accept_errors else next(_find_refusals(old, new, is_uncalibrated=is_uncalibrated), "")
        return _Judgment(refused, _explain_refusal(refused, old, new), old, new)

    def _switch(self) -> bool:
        """Exchange the sets in one transaction; False where faces were enrolled since the second set was filled.

        Raises InterruptedFillError where that is not to be done after all.
        """
        with self._opened.database.read() as conn:
            filled, total = second_set.count_faces(conn, self._model)
        if not self._progress(filled, total):
            raise InterruptedFillError
        with self._opened.database.write() as conn:
            records.require_model(conn, self._former)
            if expired := rejections.find_expired(conn):
                self._opened.database.mark_traces(conn)
                rejections.remove_rejections(conn, expired)
            second = second_set.require_second_set(conn, self._model)
            missing = {*list_missing(conn, self._model)}
            if not missing <= self._lost.keys():
                return False
            if not self._confirm():
                raise InterruptedFillError
            if missing:
                self._opened.database.mark_traces(conn)
                photos = remove_lost(conn, self._opened, self._model)
            second_set.exchange(conn, second)
            action = "migrate" if second.status == PREPARED else "migrate back"
            self._opened.log(conn, action, None, f"{self._former} to {self._model}")
        if missing:
            self._opened.database.erase_traces()
            forget_photos(photos)
        return True


def _find_refusals(old: PairErrors, new: PairErrors, *, is_uncalibrated: bool) -> Iterator[str]:
    if old.miss_rate is None or new.miss_rate is None:
        yield "unmeasured"
    elif new.missed > old.missed:
        yield "worse"
    if is_uncalibrated:
        yield "uncalibrated"


def _explain_switch(state: MigrationState) -> str:
    finish = f"visavis gallery migrate --finish removes the embeddings of {state.second}"
    if state.state == SWITCHED:
        return f"the gallery is now of {state.model}: --back goes back, and {finish}."
    return f"the gallery is of {state.model} again: {finish}."


def _explain_loss(count: int) -> str:
    faces = "1 face has" if count == 1 else f"{count} faces have"
    return (
        f"{faces} neither a kept crop nor a photo at its path: nothing was switched. Put the photos back and repeat, "
        "or accept the loss of these faces (--accept-loss), which going back does not undo."
    )


def _explain_refusal(refused: str, old: PairErrors, new: PairErrors) -> str:
    return {
        "": "",
        "uncalibrated": (
            f"{new.model} has no table of thresholds: measure one by visavis calibrate, and give it as --thresholds, "
            "or accept that searches need a threshold (--accept-errors)."
        ),
        "unmeasured": (
            f"the models could not be compared: the gallery has {new.same_pairs} pairs of one person and "
            f"{new.stranger_pairs} of two. Enroll second photos, or switch unmeasured (--accept-errors)."
        ),
        "worse": (
            f"{new.model} misses {new.missed} of {new.same_pairs} pairs of one person, {old.model} {old.missed}: "
            "nothing was switched. --accept-errors switches all the same."
        ),
    }[refused]
