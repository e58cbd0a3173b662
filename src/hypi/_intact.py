"""Importing this module raises `ImportError` unless both packages are those of this distribution.

Other distributions on the package index have packages of the same names; installing one of them overwrites files of
ours, and uninstalling it removes them.

Layer: the lowest of `hypi`.
"""

from __future__ import annotations

from importlib import import_module

__all__: list[str] = []


def _check(package: str, proof: str) -> None:
    error: Exception | None = None
    try:
        if hasattr(import_module(package), proof):
            return
    except Exception as caught:  # a foreign one may need what is not there
        error = caught
    raise ImportError(
        f"the package {package!r} is not that of hyperion-runtime: another distribution has overwritten it. Run:\n"
        f"    pip uninstall {package}\n"
        "    pip install --force-reinstall hyperion-runtime",
        name=package,
    ) from error


_check("hycore", "InstanceContext")
_check("hypi", "__distribution__")
