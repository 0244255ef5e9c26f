"""Counters of a worker, in the text format of Prometheus."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """The metrics; their names begin with ``visavis_``, and no label holds a name of a person or a key."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "visavis_requests", "Requests answered.", ("route", "method", "status"), registry=self.registry
        )
        self.seconds = Histogram(
            "visavis_request_seconds", "Time to the answer.", ("route",), buckets=BUCKETS, registry=self.registry
        )
        self.running = Gauge("visavis_requests_running", "Requests being answered.", registry=self.registry)
        self.refused = Counter("visavis_requests_refused", "Requests refused.", ("reason",), registry=self.registry)
        self.batches = Gauge("visavis_network_calls", "Calls of the networks.", registry=self.registry)
        self.pieces = Gauge("visavis_network_requests", "Requests in these calls.", registry=self.registry)
        self.cameras = Gauge("visavis_cameras", "Cameras, by state.", ("state",), registry=self.registry)

    def text(self) -> bytes:
        """Return all metrics as Prometheus reads them."""
        return generate_latest(self.registry)
