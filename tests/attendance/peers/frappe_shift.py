"""What a shift type of Frappe HR makes of checkins, and what it takes for an absence."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import pairwise

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Employee:
    """An employee record, as far as checkins need it."""

    name: str
    attendance_device_id: str = ""
    shift: str = ""
    active: bool = True
    employee_number: str = ""
    date_of_joining: date = date.min
    relieving_date: date = date.max

    def document(self) -> dict[str, object]:
        return {
            "name": self.name,
            "attendance_device_id": self.attendance_device_id,
            "employee_number": self.employee_number,
            "default_shift": self.shift,
            "status": "Active" if self.active else "Inactive",
        }


@dataclass
class Checkin:
    """An Employee Checkin; ``attendance`` names the attendance it became part of."""

    name: str
    employee: str
    log_type: str
    time: datetime
    device_id: str = ""
    skip_auto_attendance: bool = False
    attendance: str = ""

    def document(self) -> dict[str, object]:
        return {
            "name": self.name,
            "doctype": "Employee Checkin",
            "employee": self.employee,
            "log_type": self.log_type,
            "time": str(self.time),
            "device_id": self.device_id,
            "skip_auto_attendance": int(self.skip_auto_attendance),
            "attendance": self.attendance or None,
        }


@dataclass(frozen=True)
class Attendance:
    """An Attendance record."""

    employee: str
    day: date
    status: str
    working_hours: float = 0.0
    in_time: datetime | None = None
    out_time: datetime | None = None
    late_entry: bool = False
    early_exit: bool = False

    def document(self) -> dict[str, object]:
        return {
            "name": f"HR-ATT-{self.day}-{self.employee}",
            "employee": self.employee,
            "attendance_date": str(self.day),
            "status": self.status,
            "working_hours": self.working_hours,
            "late_entry": int(self.late_entry),
            "early_exit": int(self.early_exit),
        }


@dataclass
class ShiftType:
    """A shift type with automatic attendance; times are of the site's clock, thresholds are hours."""

    start_time: time
    end_time: time
    process_attendance_after: date
    last_sync_of_checkin: datetime | None = None
    enable_auto_attendance: bool = True
    strictly_by_log_type: bool = False
    every_valid_pair: bool = False
    begin_check_in_before: timedelta = timedelta(minutes=60)
    allow_check_out_after: timedelta = timedelta(minutes=60)
    late_entry_grace: timedelta | None = None
    early_exit_grace: timedelta | None = None
    half_day_below: float = 0.0
    absent_below: float = 0.0
    holidays: Collection[date] = field(default_factory=frozenset)
    mark_on_holidays: bool = False

    def document(self, name: str) -> dict[str, object]:
        return {
            "name": name,
            "doctype": "Shift Type",
            "start_time": str(self.start_time),
            "end_time": str(self.end_time),
            "process_attendance_after": str(self.process_attendance_after),
            "last_sync_of_checkin": str(self.last_sync_of_checkin) if self.last_sync_of_checkin else None,
            "enable_auto_attendance": int(self.enable_auto_attendance),
        }

    def bounds(self, day: date) -> tuple[datetime, datetime]:
        """Return when the shift of a day starts and ends; a night ends on the next day."""
        ends = day + DAY if self.end_time < self.start_time else day
        return datetime.combine(day, self.start_time), datetime.combine(ends, self.end_time)

    def actual_bounds(self, day: date) -> tuple[datetime, datetime]:
        """Return between which times a checkin belongs to the shift of a day."""
        start, end = self.bounds(day)
        return start - self.begin_check_in_before, end + self.allow_check_out_after

    def day_of(self, moment: datetime) -> date | None:
        """Return the date of the shift that a checkin belongs to: today's, or that of yesterday's night."""
        for day in (moment.date() + DAY, moment.date(), moment.date() - DAY):
            first, last = self.actual_bounds(day)
            if first <= moment <= last:
                return day
        return None

    def attendance_of(self, employee: Employee, checkins: Sequence[Checkin]) -> Iterator[Attendance]:
        """Yield the attendance of all shifts that had ended before the last sync."""
        if not self.enable_auto_attendance or self.last_sync_of_checkin is None:
            return
        by_day: dict[date, list[Checkin]] = defaultdict(list)
        for checkin in sorted(checkins, key=lambda checkin: checkin.time):
            day = self.day_of(checkin.time)
            if (
                day is not None
                and not checkin.skip_auto_attendance
                and checkin.time.date() >= (self.process_attendance_after)
            ):
                by_day[day].append(checkin)
        for day, logs in by_day.items():
            if self.actual_bounds(day)[1] < self.last_sync_of_checkin and self._counts(day):
                yield self._attendance(employee.name, day, logs)

    def absences_of(self, employee: Employee, marked: Collection[date]) -> Iterator[date]:
        """Yield the days without attendance, up to the day before that of the shift at the last sync."""
        last_sync = self.last_sync_of_checkin
        if not self.enable_auto_attendance or last_sync is None:
            return
        day = max(self.process_attendance_after, employee.date_of_joining)
        while (
            day <= employee.relieving_date
            and self.actual_bounds(day)[1] < last_sync
            and self.actual_bounds(day + DAY)[0] <= last_sync
        ):
            if day not in marked and day not in self.holidays:
                yield day
            day += DAY

    def _counts(self, day: date) -> bool:
        return self.mark_on_holidays or day not in self.holidays

    def _attendance(self, employee: str, day: date, logs: Sequence[Checkin]) -> Attendance:
        entered, left, hours = self._hours(logs)
        start, end = self.bounds(day)
        late = self.late_entry_grace is not None and entered is not None and entered > start + self.late_entry_grace
        early = self.early_exit_grace is not None and left is not None and left < end - self.early_exit_grace
        status = "Present"
        if hours < self.absent_below:
            status = "Absent"
        elif hours < self.half_day_below:
            status = "Half Day"
        return Attendance(employee, day, status, hours, entered, left, late, early)

    def _hours(self, logs: Sequence[Checkin]) -> tuple[datetime | None, datetime | None, float]:
        """Return first in, last out and hours worked."""
        pairs = self._pairs(logs)
        if not pairs:
            entries = [log.time for log in logs if log.log_type == "IN" or not self.strictly_by_log_type]
            return (entries[0] if entries else None), None, 0.0
        worked = [end - start for start, end in pairs]
        total = sum(worked, timedelta()) if self.every_valid_pair else pairs[-1][1] - pairs[0][0]
        return pairs[0][0], pairs[-1][1], round(total / timedelta(hours=1), 2)

    def _pairs(self, logs: Sequence[Checkin]) -> list[tuple[datetime, datetime]]:
        times = [log.time for log in logs]
        if self.strictly_by_log_type:
            if self.every_valid_pair:
                return [(a.time, b.time) for a, b in pairwise(logs) if (a.log_type, b.log_type) == ("IN", "OUT")]
            entries = [log.time for log in logs if log.log_type == "IN"]
            exits = [log.time for log in logs if log.log_type == "OUT"]
            return [(entries[0], exits[-1])] if entries and exits else []
        if self.every_valid_pair:
            return list(zip(times[::2], times[1::2], strict=False))
        return [(times[0], times[-1])] if len(times) > 1 else []
