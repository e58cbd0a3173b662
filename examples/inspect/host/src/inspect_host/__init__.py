"""Inspects a Python source tree through extensions: `hyperion run app.toml -- TREE`."""

# Layers, each importing only from those to its right:
# _main -> _retrying, _workers, _progress -> _examine -> _tree -> _points -> _data.
from inspect_host._data import Cell, Finding, Module, Page, Report, Section, SourceFile, Table
from inspect_host._main import main
from inspect_host._points import Analyzer, Reporter

__all__ = [
    "Analyzer",
    "Cell",
    "Finding",
    "Module",
    "Page",
    "Report",
    "Reporter",
    "Section",
    "SourceFile",
    "Table",
    "main",
]
