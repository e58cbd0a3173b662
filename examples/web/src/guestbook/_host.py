"""The host: an instance that lives as long as the application, and the site that its plugins make."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from guestbook._points import HasRoutes, WrapsSite
from hycore import InstanceContext
from hycore.utils.error import HyError
from hypi.app import Application

HEAD = (
    '<!doctype html><html lang="en"><meta name="viewport" content="width=device-width">'
    '<meta name="color-scheme" content="light dark">'
)


def make_app(application: Application) -> Starlette:
    """An application for any ASGI server; each of its lifespans has an instance of its own."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncGenerator[dict[str, object], None]:
        async with await application.acreate(initialize_timeout=30) as instance:
            yield {"instance": instance, "site": site_of(instance)}

    routes = [Route("/report", report), Mount("/", through_plugins)]
    return Starlette(routes=routes, middleware=[Middleware(ClearErrors)], lifespan=lifespan)


def site_of(instance: InstanceContext) -> ASGIApp:
    """What the plugins of an instance make together."""
    routes = [route for each in instance.implementations(HasRoutes) for route in each.routes()]
    # An application and not only a router: so that pages which are not there, or fail, are answers inside of `wrap`.
    site: ASGIApp = Starlette(routes=routes)
    for each in reversed(instance.implementations(WrapsSite)):
        site = each.wrap(site)
        if not callable(site):
            raise TypeError(f"{type(each).__qualname__}.wrap returned {site!r}: return what calls the site")
    return site


async def through_plugins(scope: Scope, receive: Receive, send: Send) -> None:
    """Starlette's routes and middleware are settled before the lifespan begins: those of plugins come after it."""
    await scope["state"]["site"](scope, receive, send)


async def report(request: Request) -> HTMLResponse:
    """What is on, what is off, and why. It shows no configuration, but tracebacks: keep it from strangers."""
    instance: InstanceContext = request.state.instance
    table = instance.report()._repr_html_()
    return HTMLResponse(f"{HEAD}<title>{instance.application_name}</title>{table}")


class ClearErrors:
    """Tells the server why the application cannot start, or end, in the error's words and not by a traceback."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await self.app(scope, receive, send)
            return
        failed: list[Message] = []

        async def keep_failed(message: Message) -> None:
            if message["type"].endswith(".failed"):
                failed.append(message)
            else:
                await send(message)

        try:
            await self.app(scope, receive, keep_failed)
        except BaseException as error:
            for message in failed:
                await send({**message, "message": str(error)} if isinstance(error, HyError) else message)
            raise
