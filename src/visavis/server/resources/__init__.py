"""The requests of REST, a file for each kind; ``routers`` lists them in the order of the documentation."""

from __future__ import annotations

from importlib import import_module

from visavis.server.routes import Router

V1 = "/v1"
"""Begins the paths of all requests but those of pages and monitors."""
NAMES = (
    "detect", "verify", "identify", "why", "judge_faces", "rank_faces", "people", "person_records", "rejections",
    "faces", "groups", "galleries", "migration", "calibration", "search_rates", "backup", "jobs", "camera_pictures",
    "cameras", "strangers", "events", "logs", "retention", "models", "evaluations", "classifiers", "attendance",
    "attendance_reports", "attendance_requests", "attendance_punches", "attendance_settling", "attendance_targets",
    "kiosk", "keys", "health", "documentation", "sign_in", "home", "start_page", "compare_page", "identify_page",
    "people_page", "groups_page", "lookalikes_page", "celebrities_page", "live_page", "evaluate_page", "train_page",
    "jobs_page", "settings_pages", "thresholds_page", "cameras_page", "display_page", "retention_page",
    "attendance_page", "attendance_person_page", "attendance_reports_page", "attendance_requests_page", "kiosk_page",
    "static",
)  # fmt: skip


def routers() -> list[Router]:
    """Return the router of each file."""
    return [import_module(f"{__name__}.{name}").router for name in NAMES]
