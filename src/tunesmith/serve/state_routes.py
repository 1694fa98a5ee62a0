"""What the server says of itself: its models, its health, its numbers."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST

from tunesmith.serve.served_model import ServedModel
from tunesmith.serve.service import service_of

router = APIRouter()


@router.get("/v1/models")
def models(request: Request) -> dict[str, Any]:
    """List the models."""
    return {"object": "list", "data": [_described(model) for model in service_of(request).models.values()]}


@router.get("/v1/models/{name:path}")
def model(name: str, request: Request) -> dict[str, Any]:
    """Describe one model."""
    return _described(service_of(request).model(name))


def _described(model: ServedModel) -> dict[str, Any]:
    body = {"id": model.name, "object": "model", "created": model.created, "owned_by": "tunesmith"}
    return {**body, "max_model_len": model.max_length} if model.max_length else body


@router.get("/healthz")
def healthz() -> dict[str, str]:
    """Say that the process answers."""
    return {"status": "ok"}


@router.get("/readyz")
def readyz(request: Request) -> JSONResponse:
    """Say whether every model can answer: 200, or 503 while starting, stopping or after a failure."""
    service = service_of(request)
    ready = {name: model.ready and not service.draining for name, model in service.models.items()}
    return JSONResponse(
        {"ready": all(ready.values()), "models": ready}, status_code=200 if all(ready.values()) else 503
    )


@router.get("/metrics")
def metrics(request: Request) -> Response:
    """Return the numbers for Prometheus."""
    return Response(service_of(request).metrics.page(), media_type=CONTENT_TYPE_LATEST)
