"""Machine code that Python can call. Loading it takes LLVM, and neither Numba nor any of the kernel's sources."""

from __future__ import annotations

import ctypes
import json
import struct
from collections.abc import Callable
from functools import cache
from operator import index
from typing import Any, NamedTuple

import numpy as np
from llvmlite import binding

_SCALARS: dict[str, tuple[str, str]] = {
    "boolean": ("i8", "B"), "uint8": ("i8", "B"), "uint16": ("i16", "H"), "uint32": ("i32", "I"), "uint64": ("i64", "Q"),
    "int64": ("i64", "q"), "float64": ("double", "d"),
}  # fmt: skip
"""By the name of a type what LLVM and the module struct call it."""


class Argument(NamedTuple):
    """A number of the type `kind`, or, with `dimensions`, a contiguous array of them."""

    kind: str
    dimensions: int
    writable: bool


class Code(NamedTuple):
    """One function, compiled for one combination of types: `machine` is an object file that defines `symbol`, which takes the address of
    its words (see `words_of`). It gives `results` numbers of the type `result`, one as it is, several as a tuple, none of "void"."""

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


def words_of(arguments: tuple[Argument, ...]) -> list[str]:
    """LLVM's types of the words that Numba's functions take: where results and failures go, then the arguments, of an array two owners
    (none), the number of items, the size of one, the address, the shape and the strides."""
    words = ["ptr", "ptr"]
    for argument in arguments:
        if argument.dimensions:
            words += ["ptr", "ptr", "i64", "i64", "ptr", *["i64"] * (2 * argument.dimensions)]
        else:
            words.append(_SCALARS[argument.kind][0])
    return words


def by_address(function: str, arguments: tuple[Argument, ...]) -> tuple[str, str]:
    """The name, and LLVM's text, of a function that takes the address of its words, 8 bytes each, and calls another with them: to hand
    over one word takes Python a tenth of a microsecond, and fifty of them five."""
    words, name = words_of(arguments), f"{function}.by_address"
    loads = [
        f"%at{number} = getelementptr i64, ptr %words, i64 {number}\n%word{number} = load {kind}, ptr %at{number}"
        for number, kind in enumerate(words)
    ]
    given = ", ".join(f"{kind} %word{number}" for number, kind in enumerate(words))
    called = [f'%status = call i32 @"{function}"({given})', "ret i32 %status"]
    declared = f'declare i32 @"{function}"({", ".join(words)})'
    return name, "\n".join([declared, f'define i32 @"{name}"(ptr %words) {{', *loads, *called, "}"])


def loaded(code: Code) -> Callable[..., Any]:
    """The function, which lets other threads run meanwhile. Raises TypeError for arguments that are not of its types."""
    engine = _engine()
    engine.add_object_file(binding.ObjectFileRef.from_data(code.machine))
    engine.finalize_object()
    function = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_char_p)(engine.get_function_address(code.symbol))
    takes = [_array_taker(each) if each.dimensions else _NUMBERS.get(each.kind, index) for each in code.arguments]
    forms = [f"{5 + 2 * each.dimensions}q" if each.dimensions else f"{_SCALARS[each.kind][1]}0q" for each in code.arguments]
    pack, several = struct.Struct("@2q" + "".join(forms)).pack, code.results > 1
    result = struct.Struct(f"{code.results}{_SCALARS[code.result][1]}" if code.results else "")
    room = ctypes.c_int64 * (max(1, code.results) + 1)

    def packed(found: Any, arguments: tuple[Any, ...]) -> bytes:
        """The words of a call; a failure's address goes behind the results."""
        words: list[Any] = [ctypes.addressof(found), ctypes.addressof(found) + 8 * (len(found) - 1)]
        for take, argument in zip(takes, arguments, strict=True):
            taken = take(argument)
            if type(taken) is tuple:
                words += taken
            else:
                words.append(taken)
        return pack(*words)

    def bound(*arguments: Any) -> Callable[[], Any]:
        found = room()
        words = packed(found, arguments)

        def again() -> None:
            if function(words):
                raise RuntimeError(f"{code.symbol} failed")

        again.kept = arguments, found  # type: ignore[attr-defined]  # the memory that the words are addresses of
        return again

    def call(*arguments: Any) -> Any:
        found = room()
        if function(packed(found, arguments)):
            raise RuntimeError(f"{code.symbol} failed")
        values = result.unpack_from(found)
        return values if several else values[0] if values else None

    call.bound = bound  # type: ignore[attr-defined]
    call.engine = engine  # type: ignore[attr-defined]  # owns the code
    return call


_NUMBERS: dict[str, Callable[[Any], Any]] = {"boolean": bool, "float64": float}


def _array_taker(wanted: Argument) -> Callable[[Any], tuple[Any, ...]]:
    dtype, dimensions, writable = np.dtype(wanted.kind), wanted.dimensions, wanted.writable

    def take(array: Any) -> tuple[Any, ...]:
        if array.dtype != dtype or array.ndim != dimensions or not array.flags.c_contiguous or (writable and not array.flags.writeable):
            raise TypeError(f"expected a contiguous array of {wanted}, found {array.dtype}[{array.ndim}] with\n{array.flags}")
        return 0, 0, array.size, dtype.itemsize, array.ctypes.data, *array.shape, *array.strides

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
