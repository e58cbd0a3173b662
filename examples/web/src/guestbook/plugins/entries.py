"""The extension `__EXT_entries`: reading and writing in the guestbook."""

from __future__ import annotations

import time
import uuid
from typing import Annotated

from pydantic import BaseModel, Field, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse
from starlette.routing import Route

from guestbook.plugins.store import Entry, StorePlugin
from hycore import PluginEXT, hyinfo


class NewEntry(BaseModel):
    """What is posted."""

    name: Annotated[str, Field(min_length=1, max_length=80)]
    text: Annotated[str, Field(min_length=1, max_length=2000)]


class EntriesPlugin(PluginEXT):
    """`GET /entries` and `POST /entries`."""

    UUID = uuid.UUID("59d1c8ab-4c35-4b25-9a36-3d0b5b1e7a03")
    NAME = "__EXT_entries"
    DESCRIPTION = "Reading and writing"
    REQUIRES = ("__EXT_store",)

    def initialize(self) -> None:
        self.store = self.instance.require_plugin_ext(StorePlugin)

    def routes(self) -> list[Route]:
        return [
            Route("/", RedirectResponse("/entries")),
            Route("/entries", self.read),
            Route("/entries", self.write, methods=["POST"]),
        ]

    async def read(self, _: Request) -> JSONResponse:
        return JSONResponse([{"name": entry.name, "text": entry.text} for entry in self.store.entries])

    async def write(self, request: Request) -> JSONResponse:
        try:
            new = NewEntry.model_validate_json(await request.body())
        except ValidationError as error:
            wrong = error.errors(include_url=False, include_context=False, include_input=False)
            return JSONResponse({"wrong": wrong}, 422)
        self.store.entries.append(Entry(new.name, new.text, time.time()))
        hyinfo(self.instance, "{!r} wrote an entry", new.name)
        return JSONResponse(new.model_dump(), 201)
