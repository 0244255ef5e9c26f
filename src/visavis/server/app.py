"""The application: routes, errors and middleware put together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio.to_thread
from fastapi import FastAPI
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

import visavis
from visavis.server import compat, problems
from visavis.server.auth import identify_sender
from visavis.server.guard import Guard
from visavis.server.pages import errors
from visavis.server.problems import ProblemDetails
from visavis.server.resources import routers
from visavis.server.services import Services


def create_app(services: Services) -> FastAPI:
    """Return the application of a worker; the caller loads its services."""
    config = services.config

    @asynccontextmanager
    async def run(_app: FastAPI) -> AsyncIterator[None]:
        anyio.to_thread.current_default_thread_limiter().total_tokens = config.limits.waiting
        yield
        await asyncio.to_thread(services.close)

    app = FastAPI(title="visavis", version=visavis.__version__, lifespan=run, docs_url=None, redoc_url=None)
    app.state.services = services
    app.state.error_forms = (compat.answer_error, errors.answer_error)
    problems.install(app)
    for router in routers():  # their own routes: include_router would make each of them again at the first request
        app.router.routes.extend(router.routes)
    compat.install(app)
    _describe_problem(app)
    app.add_middleware(Guard, config=config, metrics=services.metrics, identify=identify_sender)
    if config.trusted_proxies:  # added last, so before the guard: it counts and refuses by the address of the client
        app.add_middleware(ProxyHeadersMiddleware, trusted_hosts=[*config.trusted_proxies])
    return app


def _describe_problem(app: FastAPI) -> None:
    """Add the schema of errors to OpenAPI, to which all answers refer."""
    make = app.openapi

    def openapi() -> dict[str, object]:
        schema = make()
        schema.setdefault("components", {}).setdefault("schemas", {})["ProblemDetails"] = (
            ProblemDetails.model_json_schema()
        )
        return schema

    app.openapi = openapi  # type: ignore[method-assign]
