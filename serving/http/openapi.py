"""The OpenAPI document: the framework's, with the body that the classify route reads by itself."""

from __future__ import annotations

import copy
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic.json_schema import models_json_schema
from starlette.routing import BaseRoute

from serving.http.routes import CLASSIFY_BODY


def openapi(app: FastAPI) -> dict[str, Any]:
    """Make the document once and keep it."""
    if app.openapi_schema is None:
        routes = [_without_head(route) for route in app.routes]
        document = get_openapi(title=app.title, version=app.version, description=app.description, routes=routes)
        _, shapes = models_json_schema(
            [(shape, "validation") for shape in CLASSIFY_BODY], ref_template="#/components/schemas/{model}"
        )
        document["components"]["schemas"] |= shapes["$defs"]
        document["paths"]["/v1/classify"]["post"]["requestBody"] = {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {"anyOf": [{"$ref": f"#/components/schemas/{one.__name__}"} for one in CLASSIFY_BODY]},
                    "example": {"texts": ["Great service!", {"id": "7", "text": "Where is my parcel?"}]},
                }
            },
        }
        app.openapi_schema = document
    return app.openapi_schema


def _without_head(route: BaseRoute) -> BaseRoute:
    # HEAD is to GET what HTTP says it is; as an operation of its own it would need an id and say nothing new.
    if isinstance(route, APIRoute):
        route = copy.copy(route)
        route.methods = set(route.methods or ()) - {"HEAD"}
    return route
