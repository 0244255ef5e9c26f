"""Every operation of the OpenAPI description with made-up values: no mistakes of the server, answers as described."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, Phase, settings

from example_counts import LONG

from .running_server import RunningServer

if TYPE_CHECKING:  # imported by the test alone: each process of tests collects this file, and the package takes 2 s
    import schemathesis
    from schemathesis.checks import CheckContext
    from schemathesis.core.transport import Response
    from schemathesis.schemas import BaseSchema

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


ENDLESS = "/v1/events/stream"
"""Of its answers that are streams only the begin is read."""
MODES = ("examples", "coverage", "fuzzing") if LONG else ("fuzzing",)


def describe(server: RunningServer) -> BaseSchema:
    """Return the description of a server, for which valid and invalid values are made."""
    import schemathesis
    from schemathesis.generation.modes import GenerationMode

    schema = schemathesis.openapi.from_dict(server.get("/openapi.json").json())
    schema.config.update(base_url=server.url)
    modes = [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]
    schema.config.generation.update(modes=modes, with_security_parameters=False)
    return schema


def call(case: schemathesis.Case, server: RunningServer) -> Response | None:
    """Send a request; return the answer, None for a stream."""
    from schemathesis.core.transport import Response

    headers = {"x-api-key": server.key}
    if case.operation.path != ENDLESS:
        return case.call(headers=headers)
    options = case.as_transport_kwargs(base_url=server.url, headers=headers)
    with server.session.request(**options, stream=True, timeout=60) as answer:
        if answer.status_code == 200:
            assert answer.headers["Content-Type"].startswith("text/event-stream")
            assert next(answer.iter_lines()) == b": events"
            return None
        return Response.from_requests(answer, verify=True)


def no_mistake(_context: CheckContext, response: Response, _case: schemathesis.Case) -> None:
    """No 5xx but one that names when to come back, or a part that is not installed."""
    from schemathesis.core.failures import Failure

    if response.status_code >= 500 and not (response.status_code == 503 and "retry-after" in response.headers):
        raise Failure(operation="", title="mistake of the server", message=f"status {response.status_code}")


def test_every_operation_answers_as_described(fuzzed: RunningServer) -> None:
    """All operations are asked, also after a failure of one."""
    from schemathesis.core.failures import FailureGroup
    from schemathesis.generation.hypothesis.builder import HypothesisTestConfig, HypothesisTestMode, create_test
    from schemathesis.specs.openapi import checks

    @settings(
        max_examples=EXAMPLES, deadline=None, phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck), derandomize=not LONG,
    )  # fmt: skip
    def ask(case: schemathesis.Case) -> None:
        response = call(case, fuzzed)
        asked.add(case.operation.label)
        if response is None:
            return
        assert str(fuzzed.folder) not in response.text
        case.validate_response(
            response,
            checks=[
                no_mistake, checks.status_code_conformance, checks.content_type_conformance,
                checks.response_headers_conformance, checks.response_schema_conformance,
            ],
        )  # fmt: skip

    schema = describe(fuzzed)
    config = HypothesisTestConfig(schema.config, [HypothesisTestMode(mode) for mode in MODES])
    operations = [operation.ok() for operation in schema.get_all_operations()]
    asked: set[str] = set()
    faults = {}
    for operation in operations:
        test = create_test(operation=operation, test_func=ask, config=config)
        try:
            test()
        except (AssertionError, FailureGroup) as error:
            faults[operation.label] = str(error)
    assert faults == {}
    assert asked == {operation.label for operation in operations}
    assert len(asked) > 50
