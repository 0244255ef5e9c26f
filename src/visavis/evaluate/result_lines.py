"""Results of evaluations as JSON, the same on the command line and in the answers of a server."""

from __future__ import annotations

from visavis.evaluate.identification import IdentificationResult
from visavis.evaluate.results import Rate, VerificationResult
from visavis.evaluate.stats.open_set import CalibratedSearchRate, SearchRate
from visavis.printable import round_interval, significant


def describe_verification(result: VerificationResult) -> dict[str, object]:
    """Return what ``visavis evaluate pairs --json`` prints."""
    return {
        "data": result.data,
        "model": result.model,
        "detector": result.detector,
        "photos": result.photos,
        "people": result.people or None,
        "failures": result.failures,
        "genuine": result.roc.genuine,
        "impostors": result.roc.impostors,
        "failed_genuine": result.failed_genuine,
        "failed_impostors": result.failed_impostors,
        "accuracy": result.accuracy and significant(result.accuracy.accuracy),
        "accuracy_error": result.accuracy and significant(result.accuracy.error),
        "accuracy_threshold": result.accuracy and significant(result.accuracy.threshold),
        "auc": significant(result.roc.area),
        "eer": significant(result.roc.equal_error),
        "rates": [_describe_rate(rate) for rate in result.rates],
        "promises": [
            {
                "far": promise.far,
                "threshold": significant(promise.threshold),
                "measured": significant(promise.measured),
                "interval": round_interval(promise.interval),
                "tar": significant(promise.tar),
            }
            for promise in result.promises
        ],
        "rejection": result.rejection
        and {
            "threshold": significant(result.rejection.threshold),
            "shares": list(result.rejection.shares),
            "fnmr": [significant(rate) for rate in result.rejection.fnmr],
        },
        "ms_detect": result.speed and significant(result.speed.detect, 3),
        "ms_embed": result.speed and significant(result.speed.embed, 3),
        "threads": result.speed and result.speed.threads,
    }


def _describe_rate(rate: Rate) -> dict[str, object]:
    return {
        "far": rate.far,
        "threshold": significant(rate.threshold),
        "threshold_interval": round_interval(rate.threshold_interval),
        "far_interval": round_interval(rate.far_interval),
        "tar": significant(rate.tar),
        "tar_interval": round_interval(rate.tar_interval),
        "false_accepts": rate.false_accepts,
    }


def describe_identification(result: IdentificationResult) -> dict[str, object]:
    """Return what ``visavis evaluate identification --json`` prints, without the data and the networks."""
    failures = result.failures
    return {
        "rule": result.rule,
        "people": result.people,
        "templates": result.templates,
        "known": result.known,
        "known_people": result.known_people,
        "unknown": result.unknown,
        "unknown_people": result.unknown_people,
        "failures": {
            "templates": failures.templates,
            "people": failures.people,
            "known": failures.known,
            "orphans": failures.orphans,
            "unknown": failures.unknown,
        },
        "ranks": [
            {
                "rank": rank.rank,
                "rate": significant(rank.rate),
                "interval": round_interval(rank.interval),
                "hits": rank.hits,
            }
            for rank in result.ranks
        ],
        "searches": [_describe_search(search) for search in result.searches],
    }


def _describe_search(search: SearchRate) -> dict[str, object]:
    return {
        "fpir": search.fpir,
        "threshold": significant(search.threshold),
        "threshold_interval": round_interval(search.threshold_interval),
        "fnir": significant(search.fnir),
        "fnir_interval": round_interval(search.fnir_interval),
        "false_positives": search.false_positives,
        "calibrated": _describe_calibrated(search.calibrated) if search.calibrated else None,
    }


def _describe_calibrated(promise: CalibratedSearchRate) -> dict[str, object]:
    return {
        "threshold": significant(promise.threshold),
        "measured": promise.measured,
        "fpir": significant(promise.fpir),
        "fpir_interval": round_interval(promise.fpir_interval),
        "false_positives": promise.false_positives,
        "fnir": significant(promise.fnir),
        "fnir_interval": round_interval(promise.fnir_interval),
    }
