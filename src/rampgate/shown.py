"""Values that show themselves in a notebook and know nothing of how.

A value at the bottom of the street inherits `Shown`; its renderer, at the top, is named here as text and imported when
a notebook asks for it. So imports go one way, and nothing is loaded that is not looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from importlib import import_module

_RENDERERS: dict[str, str] = {}


def register(kind: str, renderer: str) -> None:
    """Name the function that renders a type.

    Parameters
    ----------
    kind : the type, as ``package.module:Class``
    renderer : a function from the value to an HTML fragment, as ``package.module:function``
    """
    _RENDERERS[kind] = renderer


def renderer_of(kind: type) -> Callable[[object], str] | None:
    """The renderer of a type or of the nearest of its bases that has one."""
    for base in kind.__mro__:
        found = _RENDERERS.get(f"{base.__module__}:{base.__qualname__}")
        if found is not None:
            module, _, name = found.partition(":")
            function: Callable[[object], str] = getattr(import_module(module), name)
            return function
    return None


class Shown:
    """A value that a notebook shows as HTML, and everything else as its one-line representation."""

    __slots__ = ()

    def _repr_mimebundle_(
        self, include: Collection[str] | None = None, exclude: Collection[str] | None = None
    ) -> dict[str, str]:
        """What Jupyter asks for. HTML alone: a front end that knew a chart's own type too would show nothing else."""
        bundle = {"text/plain": repr(self)}
        render = renderer_of(type(self))
        html = "text/html"
        if render is not None and html not in (exclude or ()) and (include is None or html in include):
            bundle[html] = render(self)
        return bundle
