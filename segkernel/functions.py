"""Functions of the host: Python that rules may call by name."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from segdsl.functions import FUNCTIONS, Signature
from segdsl.project import type_of
from segdsl.typesystem import Type
from segkernel.errors import Error

_NAME = re.compile(r"[^\W\d]\w*")


class Function:
    """A function that rules may call: `name`, the types of its `arguments` and of what it `returns` as a schema writes them
    (`"decimal(2)"`, `"text"`), and `make`, which turns as many Polars expressions into one.

        sk.Function("net", ["decimal(2)", "text"], "decimal(2)", lambda gross, country: gross / rate(country))

    It is evaluated once for all rows of the table whose row calls it, after its arguments: whole numbers come as Int64 or Int128,
    decimals as Decimal(38, n), timestamps as nanoseconds in UTC, missing values as null. A null or NaN that it gives is missing; what it
    gives otherwise has to be of its type. A text function that may give other texts at another instant needs `values`, all
    that it can give. `version` tells two makings of a function apart: change it with what the function does, and fingerprints
    of rules that call it change too.

    Raises `Error` for a name that cannot be called or a type that does not exist.
    """

    def __init__(
        self,
        name: str,
        arguments: Sequence[str],
        returns: str,
        make: Callable[..., Any],
        *,
        values: Sequence[str] = (),
        version: str = "",
    ) -> None:
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise Error(f"a function's name is letters, digits and _, not {name!r}")
        if name in FUNCTIONS:
            raise Error(f'the language has a function "{name}" of its own; give yours another name')
        if isinstance(arguments, str):
            raise Error(f'{name}: arguments are a list of types such as ["text"], not a text')
        if not callable(make):
            raise Error(f"{name}: make is a function from Polars expressions to one, not {type(make).__name__}")
        types = tuple(_type(name, each) for each in arguments)
        if not types:
            raise Error(f"{name}: a function has at least one argument; a constant is a param")
        self.signature = Signature(name, types, _type(name, returns), tuple(sorted(set(values))), version)
        self.make = make

    def __repr__(self) -> str:
        arguments = ", ".join(str(each) for each in self.signature.arguments)
        return f"Function({self.signature.name}({arguments}): {self.signature.returns})"


def _type(name: str, written: str) -> Type:
    found = type_of(written) if isinstance(written, str) else None
    if found is None or found.kind == "list":
        raise Error(
            f'{name}: there is no type "{written}"; use text, whole number, number, decimal(2), yes/no, date, timestamp or duration'
        )
    return found
