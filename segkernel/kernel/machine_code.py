"""Machine code that Python can call. Loading it takes LLVM, and neither Numba nor any of the kernel's sources."""

from __future__ import annotations

import ctypes
import json
from collections.abc import Callable
from functools import cache
from operator import index
from typing import Any, NamedTuple

import numpy as np
from llvmlite import binding

_SCALARS: dict[str, Any] = {
    "boolean": ctypes.c_uint8, "uint8": ctypes.c_uint8, "uint16": ctypes.c_uint16, "uint32": ctypes.c_uint32, "uint64": ctypes.c_uint64,
    "int64": ctypes.c_int64, "float64": ctypes.c_double,
}  # fmt: skip


class Argument(NamedTuple):
    """A number of the type `kind`, or, with `dimensions`, a contiguous array of them."""

    kind: str
    dimensions: int
    writable: bool


class Code(NamedTuple):
    """One function, compiled for one combination of types: `machine` is an object file that defines `symbol`. It gives `results`
    numbers of the type `result`, one of them as it is, several as a tuple, none of "void"."""

    symbol: str
    arguments: tuple[Argument, ...]
    result: str
    results: int
    machine: bytes


def packed(codes: list[Code]) -> bytes:
    """Code as bytes."""
    told = [[code.symbol, code.arguments, code.result, code.results, len(code.machine)] for code in codes]
    return json.dumps(told).encode() + b"\n" + b"".join(code.machine for code in codes)


def unpacked(data: bytes) -> list[Code]:
    """Code from the bytes that `packed` made."""
    head, _, rest = data.partition(b"\n")
    codes = []
    for symbol, arguments, result, results, size in json.loads(head):
        codes.append(Code(symbol, tuple(Argument(*each) for each in arguments), result, results, rest[:size]))
        rest = rest[size:]
    return codes


def words_of(arguments: tuple[Argument, ...]) -> list[Any]:
    """The types of the words in which Numba's functions take arguments: of an array two owners (none), the number of items, the size
    of one, the address, the shape and the strides."""
    words: list[Any] = []
    for argument in arguments:
        if argument.dimensions:
            pointer, whole = ctypes.c_void_p, ctypes.c_int64
            words += [pointer, pointer, whole, whole, pointer, *[whole] * (2 * argument.dimensions)]
        else:
            words.append(_SCALARS[argument.kind])
    return words


def loaded(code: Code) -> Callable[..., Any]:
    """The function, which lets other threads run meanwhile. Raises TypeError for arguments that are not of its types."""
    engine = _engine()
    engine.add_object_file(binding.ObjectFileRef.from_data(code.machine))
    engine.finalize_object()
    prototype = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p, *words_of(code.arguments))
    function = prototype(engine.get_function_address(code.symbol))
    takes = [_array_taker(each) if each.dimensions else _NUMBERS.get(each.kind, index) for each in code.arguments]
    several, count = code.results > 1, code.results
    results = (_SCALARS.get(code.result, ctypes.c_int64) * max(1, count)) if code.result != "void" else ctypes.c_void_p * 1

    def given(arguments: tuple[Any, ...]) -> list[Any]:
        words: list[Any] = []
        for take, argument in zip(takes, arguments, strict=True):
            found = take(argument)
            if type(found) is tuple:
                words += found
            else:
                words.append(found)
        return words

    def bound(*arguments: Any) -> Callable[[], Any]:
        words, found, failure = given(arguments), results(), ctypes.c_void_p()
        addresses = ctypes.addressof(found), ctypes.addressof(failure)

        def again() -> None:
            if function(*addresses, *words):
                raise RuntimeError(f"{code.symbol} failed")

        again.kept = arguments, found, failure  # type: ignore[attr-defined]  # the memory that the words are addresses of
        return again

    def call(*arguments: Any) -> Any:
        words = given(arguments)
        found, failure = results(), ctypes.c_void_p()
        if function(ctypes.addressof(found), ctypes.addressof(failure), *words):
            raise RuntimeError(f"{code.symbol} failed")
        return tuple(found) if several else found[0] if count else None

    call.bound = bound  # type: ignore[attr-defined]
    call.engine = engine  # type: ignore[attr-defined]  # owns the code
    return call


_NUMBERS: dict[str, Callable[[Any], Any]] = {"boolean": bool, "float64": float}


def _array_taker(wanted: Argument) -> Callable[[Any], tuple[Any, ...]]:
    dtype, dimensions, writable = np.dtype(wanted.kind), wanted.dimensions, wanted.writable

    def take(array: Any) -> tuple[Any, ...]:
        if array.dtype != dtype or array.ndim != dimensions or not array.flags.c_contiguous or (writable and not array.flags.writeable):
            raise TypeError(f"expected a contiguous array of {wanted}, found {array.dtype}[{array.ndim}] with\n{array.flags}")
        return None, None, array.size, dtype.itemsize, array.ctypes.data, *array.shape, *array.strides

    return take


@cache
def _target() -> Any:
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    return binding.Target.from_triple(binding.get_process_triple())


def _engine() -> Any:
    """A place for code. Each function has its own, as those of two may define the same names."""
    machine = _target().create_target_machine()
    return binding.create_mcjit_compiler(binding.parse_assembly(""), machine)
