"""A web application whose pages and middleware are plugins."""

from guestbook._host import make_app
from guestbook._points import HasRoutes, WrapsSite

__all__ = ["HasRoutes", "WrapsSite", "make_app"]
