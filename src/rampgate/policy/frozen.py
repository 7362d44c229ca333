"""A mapping that stays as it was checked."""

from __future__ import annotations

from collections.abc import Hashable
from typing import NoReturn, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class FrozenDict(dict[K, V]):
    """A dict that cannot be changed, with its keys in sorted order.

    Sorted, because two files that differ in order only have the same hash and must then
    lead to the same sums of floating point numbers, to the last bit.
    """

    def __init__(self, items: dict[K, V] | None = None) -> None:
        super().__init__(sorted((items or {}).items(), key=lambda item: str(item[0])))

    def _refuse(self, *_: object, **__: object) -> NoReturn:
        raise TypeError("a policy cannot be changed; load a new one")

    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse

    def __reduce__(self) -> tuple[type[FrozenDict[K, V]], tuple[dict[K, V]]]:
        return type(self), (dict(self),)


def freeze(mapping: dict[K, V]) -> dict[K, V]:
    """The same mapping, sorted and unchangeable."""
    return FrozenDict(mapping)
