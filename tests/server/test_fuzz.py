"""Every operation of the OpenAPI description with made-up values: no mistakes of the server, answers as described."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import CheckContext
from schemathesis.core.failures import Failure
from schemathesis.core.transport import Response
from schemathesis.generation.modes import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from example_counts import LONG

from .running_server import RunningServer

EXAMPLES = 100 if LONG else 3


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server of its own, since everything in it is changed."""
    folder = tmp_path_factory.mktemp("fuzzed")
    running = RunningServer(folder=folder)
    running.set_up()
    yield running
    running.stop()
    assert "Traceback" not in running.text


@pytest.fixture(scope="module")
def described(fuzzed: RunningServer) -> object:
    schema = schemathesis.openapi.from_dict(fuzzed.get("/openapi.json").json())
    schema.config.update(base_url=fuzzed.url)
    modes = [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]
    schema.config.generation.update(modes=modes, with_security_parameters=False)
    schema.config.phases.update(phases=["examples", "coverage", "fuzzing"] if LONG else ["fuzzing"])
    return schema


ENDLESS = "/v1/events/stream"
"""Read by tests/server/test_jobs.py."""
SCHEMA = schemathesis.pytest.from_fixture("described").exclude(path=ENDLESS)


def no_mistake(_context: CheckContext, response: Response, _case: schemathesis.Case) -> None:
    """No 5xx but one that names when to come back, or a part that is not installed."""
    if response.status_code >= 500 and not (response.status_code == 503 and "retry-after" in response.headers):
        raise Failure(operation="", title="mistake of the server", message=f"status {response.status_code}")


@SCHEMA.parametrize()
@settings(
    max_examples=EXAMPLES, deadline=None, phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck), derandomize=not LONG,
)  # fmt: skip
def test_every_operation_answers_as_described(case: schemathesis.Case, fuzzed: RunningServer) -> None:
    response = case.call(headers={"x-api-key": fuzzed.key})
    assert str(fuzzed.folder) not in response.text
    case.validate_response(
        response,
        checks=[
            no_mistake, status_code_conformance, content_type_conformance, response_headers_conformance,
            response_schema_conformance,
        ],
    )  # fmt: skip
