"""Memory by address, and the operations on 64 rows at once: as vector instructions, and as the plain loops they mean.

Loops over arrays (`wholes`, `floats`, …) are vectorised by the compiler; loads and stores of single addresses are not.

A word holds 64 rows, the least significant bit first. The vector forms are LLVM vectors of 64 lanes that any x86-64
processor runs; byte shuffles want AVX-512BW. Elsewhere, and with the JIT off, the plain loops run: the same answers.
"""

from __future__ import annotations

import ctypes
import platform
from functools import reduce
from typing import Any

import numpy as np
from llvmlite import binding, ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np.arrayobj import populate_array

from segkernel.kernel.compilation import JIT, inlined, part
from segkernel.kernel.operations import KEEP, KEPT, OPERAND, OR, REGISTERS

VECTORS = JIT and platform.machine() in ("x86_64", "AMD64")
SHUFFLES = VECTORS and bool(binding.get_host_cpu_features().get("avx512bw"))
SELECTS = not JIT or (VECTORS and bool(binding.get_host_cpu_features().get("avx512bitalg")))
COMPRESSES = VECTORS and bool(binding.get_host_cpu_features().get("avx512f"))

signed: Any = np.int64 if JIT else int
"""To a whole number of 64 bits with a sign; with the JIT off all numbers are Python's own, which cannot wrap by mistake."""
unsigned: Any = np.uint64 if JIT else lambda value: int(value) & 0xFFFFFFFFFFFFFFFF

I1, I8, I16, I32, I64, F64 = ir.IntType(1), ir.IntType(8), ir.IntType(16), ir.IntType(32), ir.IntType(64), ir.DoubleType()


def _vector(element: Any, lanes: int) -> Any:
    return ir.VectorType(element, lanes)


def _splat(builder: Any, value: Any, lanes: int) -> Any:
    """A vector with `value` in every lane."""
    empty = ir.Constant(_vector(value.type, lanes), ir.Undefined)
    first = builder.insert_element(empty, value, ir.Constant(I32, 0))
    return builder.shuffle_vector(first, empty, ir.Constant(_vector(I32, lanes), [0] * lanes))


def _load(builder: Any, address: Any, element: Any, lanes: int) -> Any:
    value = builder.load(builder.inttoptr(address, _vector(element, lanes).as_pointer()))
    value.align = 1
    return value


def _store(builder: Any, value: Any, address: Any, streaming: bool = False) -> None:
    store = builder.store(value, builder.inttoptr(address, value.type.as_pointer()))
    store.align = 64 if streaming else 1
    if streaming:
        store.set_metadata("nontemporal", builder.module.add_metadata([ir.Constant(I32, 1)]))


def _narrow(builder: Any, value: Any, element: Any) -> Any:
    return value if element.width == 64 else builder.trunc(value, element)


def _called(builder: Any, name: str, result: Any, operands: list[Any]) -> Any:
    """A function of LLVM's own."""
    found = builder.module.globals.get(name)
    return found or ir.Function(builder.module, ir.FunctionType(result, operands), name)


if JIT:

    def _loader(element: Any, numba_type: Any) -> Any:
        @intrinsic
        def load(typing: Any, address: Any) -> Any:
            def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
                value = builder.load(builder.inttoptr(arguments[0], element.as_pointer()))
                value.align = 1
                return value

            return numba_type(types.int64), code

        return load

    def _storer(element: Any, numba_type: Any) -> Any:
        @intrinsic
        def store(typing: Any, address: Any, value: Any) -> Any:
            def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
                builder.store(arguments[1], builder.inttoptr(arguments[0], element.as_pointer())).align = 1
                return context.get_dummy_value()

            return types.void(types.int64, numba_type), code

        return store

    load8, load16, load32 = _loader(I8, types.uint8), _loader(I16, types.uint16), _loader(I32, types.uint32)
    load64, load_whole, load_float = _loader(I64, types.uint64), _loader(I64, types.int64), _loader(F64, types.float64)
    store8, store32, store64 = _storer(I8, types.uint8), _storer(I32, types.uint32), _storer(I64, types.uint64)
    store_whole, store_float = _storer(I64, types.int64), _storer(F64, types.float64)

    def _array(element: Any, numba_type: Any) -> Any:
        @intrinsic
        def array(typing: Any, address: Any, count: Any) -> Any:
            def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
                made = context.make_array(signature.return_type)(context, builder)
                data = builder.inttoptr(arguments[0], element.as_pointer())
                size = context.get_constant(types.intp, numba_type.bitwidth // 8)
                populate_array(made, data, [arguments[1]], [size], size, None)
                return made._getvalue()

            return types.Array(numba_type, 1, "C")(types.int64, types.int64), code

        return array

    codes8, codes16, codes32 = _array(I8, types.uint8), _array(I16, types.uint16), _array(I32, types.uint32)
    words, wholes, floats = _array(I64, types.uint64), _array(I64, types.int64), _array(F64, types.float64)

    @intrinsic
    def first_bit(typing: Any, word: Any) -> Any:
        """The place of the lowest set bit of a word that is not zero."""
        return types.int64(types.uint64), lambda context, builder, signature, arguments: builder.cttz(arguments[0], ir.Constant(I1, 1))

    @intrinsic
    def ones(typing: Any, word: Any) -> Any:
        """How many bits of a word are set."""
        return types.int64(types.uint64), lambda context, builder, signature, arguments: builder.ctpop(arguments[0])

    @intrinsic
    def as_float(typing: Any, bits: Any) -> Any:
        """The float64 whose bits an int64 holds."""
        return types.float64(types.int64), lambda context, builder, signature, arguments: builder.bitcast(arguments[0], F64)

    @intrinsic
    def take_next(typing: Any, address: Any) -> Any:
        """Adds one to a counter that threads share; what it held before."""

        def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            pointer = builder.inttoptr(arguments[0], I64.as_pointer())
            return builder.atomic_rmw("add", pointer, ir.Constant(I64, 1), "seq_cst")

        return types.int64(types.int64), code

else:

    def _plain_loader(kind: Any) -> Any:
        return lambda address: kind.from_address(address).value

    def _plain_storer(kind: Any) -> Any:
        def store(address: int, value: Any) -> None:
            kind.from_address(address).value = value

        return store

    load8, load16, load32 = (_plain_loader(kind) for kind in (ctypes.c_uint8, ctypes.c_uint16, ctypes.c_uint32))
    load64, load_whole, load_float = (_plain_loader(kind) for kind in (ctypes.c_uint64, ctypes.c_int64, ctypes.c_double))
    store8, store32, store64 = (_plain_storer(kind) for kind in (ctypes.c_uint8, ctypes.c_uint32, ctypes.c_uint64))
    store_whole, store_float = _plain_storer(ctypes.c_int64), _plain_storer(ctypes.c_double)

    def _plain_array(kind: Any) -> Any:
        return lambda address, count: (kind * count).from_address(address)

    codes8, codes16, codes32 = (_plain_array(kind) for kind in (ctypes.c_uint8, ctypes.c_uint16, ctypes.c_uint32))
    words, wholes, floats = (_plain_array(kind) for kind in (ctypes.c_uint64, ctypes.c_int64, ctypes.c_double))

    def first_bit(word: Any) -> int:
        """The place of the lowest set bit of a word that is not zero."""
        return (word & -word).bit_length() - 1

    def ones(word: Any) -> int:
        """How many bits of a word are set."""
        return int(word & 0xFFFFFFFFFFFFFFFF).bit_count()

    def as_float(bits: Any) -> float:
        """The float64 whose bits an int64 holds."""
        return float(np.int64(bits).view(np.float64))

    def take_next(address: int) -> int:
        """Adds one to a counter; what it held before."""
        counter = ctypes.c_int64.from_address(address)
        counter.value += 1
        return counter.value - 1


def _range_lanes(element: Any) -> Any:
    @intrinsic
    def in_range(typing: Any, address: Any, low: Any, span: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            values = _load(builder, arguments[0], element, 64)
            moved = builder.sub(values, _splat(builder, _narrow(builder, arguments[1], element), 64))
            return builder.bitcast(builder.icmp_unsigned("<=", moved, _splat(builder, _narrow(builder, arguments[2], element), 64)), I64)

        return types.uint64(types.int64, types.int64, types.int64), code

    return in_range


def _range_loop(load: Any, size: int, mask: int) -> Any:
    def in_range(address: int, low: int, span: int) -> Any:
        word = unsigned(0)
        for lane in range(64):
            if (unsigned(load(address + lane * size)) - unsigned(low)) & unsigned(mask) <= unsigned(span):
                word |= unsigned(1) << unsigned(lane)
        return word

    return part(in_range)


def _compare_lanes(operator: str) -> Any:
    @intrinsic
    def compare(typing: Any, address: Any, bound: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            values = _load(builder, arguments[0], F64, 64)
            return builder.bitcast(builder.fcmp_ordered(operator, values, _splat(builder, arguments[1], 64)), I64)

        return types.uint64(types.int64, types.float64), code

    return compare


def _at_least_loop(address: int, bound: float) -> Any:
    word = unsigned(0)
    for lane in range(64):
        if load_float(address + lane * 8) >= bound:
            word |= unsigned(1) << unsigned(lane)
    return word


def _below_loop(address: int, bound: float) -> Any:
    word = unsigned(0)
    for lane in range(64):
        if load_float(address + lane * 8) < bound:
            word |= unsigned(1) << unsigned(lane)
    return word


def _set_loop(address: int, table: int) -> Any:
    word = unsigned(0)
    for lane in range(64):
        code = unsigned(load8(address + lane))
        cell = unsigned(load8(table + signed(code & unsigned(15)) + 16 * signed(code >> unsigned(7))))
        word |= ((cell >> ((code >> unsigned(4)) & unsigned(7))) & unsigned(1)) << unsigned(lane)
    return word


def _set_lanes() -> Any:
    @intrinsic
    def in_set(typing: Any, address: Any, table: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            bytes64 = _vector(I8, 64)
            shuffle = _called(builder, "llvm.x86.avx512.pshuf.b.512", bytes64, [bytes64, bytes64])
            codes = _load(builder, arguments[0], I8, 64)
            nothing = ir.Constant(_vector(I8, 16), ir.Undefined)
            repeat = ir.Constant(_vector(I32, 64), [lane % 16 for lane in range(64)])
            below = builder.shuffle_vector(_load(builder, arguments[1], I8, 16), nothing, repeat)
            above = builder.shuffle_vector(_load(builder, builder.add(arguments[1], I64(16)), I8, 16), nothing, repeat)
            low = builder.and_(codes, ir.Constant(bytes64, [0x8F] * 64))
            cells = builder.or_(
                builder.call(shuffle, [below, low]),
                builder.call(shuffle, [above, builder.xor(low, ir.Constant(bytes64, [0x80] * 64))]),
            )
            high = builder.lshr(codes, ir.Constant(bytes64, [4] * 64))
            bit = builder.call(shuffle, [ir.Constant(bytes64, [1 << (lane & 7) for lane in range(16)] * 4), high])
            return builder.bitcast(builder.icmp_unsigned("!=", builder.and_(cells, bit), ir.Constant(bytes64, [0] * 64)), I64)

        return types.uint64(types.int64, types.int64), code

    return in_set


def _bits_lanes() -> Any:
    @intrinsic
    def in_bits(typing: Any, address: Any, bits: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            bytes64 = _vector(I8, 64)
            select = _called(builder, "llvm.x86.avx512.vpshufbitqmb.512", _vector(I1, 64), [bytes64, bytes64])
            table = builder.bitcast(_splat(builder, arguments[1], 8), bytes64)
            return builder.bitcast(builder.call(select, [table, _load(builder, arguments[0], I8, 64)]), I64)

        return types.uint64(types.int64, types.int64), code

    return in_bits


def _bits_loop(address: int, bits: int) -> Any:
    word = unsigned(0)
    for lane in range(64):
        word |= ((unsigned(bits) >> unsigned(load8(address + lane))) & unsigned(1)) << unsigned(lane)
    return word


def _compress(builder: Any, values: Any, mask: Any) -> Any:
    """The lanes of a vector whose mask bit is set, moved to the front."""
    element = "i32" if values.type.element == I32 else "i64"
    name = f"llvm.experimental.vector.compress.v{values.type.count}{element}"
    compress = _called(builder, name, values.type, [values.type, mask.type, values.type])
    return builder.call(compress, [values, mask, ir.Constant(values.type, ir.Undefined)])


def _place16() -> Any:
    @intrinsic
    def place16(typing: Any, target: Any, base: Any, mask: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            places = builder.add(_splat(builder, builder.trunc(arguments[1], I32), 16), ir.Constant(_vector(I32, 16), list(range(16))))
            chosen = builder.bitcast(builder.trunc(arguments[2], I16), _vector(I1, 16))
            _store(builder, _compress(builder, places, chosen), arguments[0])
            return context.get_dummy_value()

        return types.void(types.int64, types.int64, types.uint64), code

    return place16


def _filled8() -> Any:
    @intrinsic
    def filled8(typing: Any, address: Any, number: Any, found: Any, numbers: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            given = _load(builder, arguments[0], I64, 8)
            mask = builder.icmp_unsigned("!=", given, ir.Constant(_vector(I64, 8), [0] * 8))
            count = builder.add(_splat(builder, arguments[1], 8), ir.Constant(_vector(I64, 8), list(range(8))))
            _store(builder, _compress(builder, given, mask), arguments[2])
            _store(builder, _compress(builder, count, mask), arguments[3])
            return builder.zext(builder.ctpop(builder.bitcast(mask, I8)), I64)

        return types.int64(*[types.int64] * 4), code

    return filled8


def _place_loop(target: int, base: int, mask: Any) -> None:
    for lane in range(16):
        if (mask >> unsigned(lane)) & unsigned(1) != unsigned(0):
            store32(target, base + lane)
            target += 4


def _filled_loop(address: int, number: int, found: int, numbers: int) -> int:
    count = 0
    for i in range(8):
        word = load64(address + i * 8)
        if word != unsigned(0):
            store64(found + count * 8, word)
            store_whole(numbers + count * 8, number + i)
            count += 1
    return count


def _majority(builder: Any, x: Any, y: Any, z: Any) -> Any:
    """The bits that two of three have: `x and y` where z is 0, `x or y` where it is 1, in one instruction."""
    if not COMPRESSES:
        return builder.or_(builder.and_(x, y), builder.and_(builder.or_(x, y), z))
    named = _called(builder, "llvm.x86.avx512.pternlog.q.512", x.type, [x.type, x.type, x.type, I32])
    return builder.call(named, [x, y, z, ir.Constant(I32, 0xE8)])


def _logic_lanes(vectors: int, streaming: bool) -> Any:
    """Logic on `vectors` times 8 words at once, which never leave the processor between two steps."""

    @intrinsic
    def logic(typing: Any, target: Any, args: Any, at: Any, count: Any, base: Any, stride: Any, start: Any, end: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            target, args, at, count, base, stride, start, end = arguments
            eight = _vector(I64, 8)
            steps = builder.ptrtoint(context.make_array(signature.args[1])(context, builder, args).data, I64)
            steps = builder.add(steps, builder.shl(at, I64(3)))
            ones = _called(builder, "llvm.ctpop.v8i64", eight, [eight])
            nothing = ir.Constant(eight, [0] * 8)
            found = [cgutils.alloca_once(builder, eight) for _ in range(vectors)]
            total = cgutils.alloca_once_value(builder, nothing)

            def places(register: Any, offset: Any) -> list[Any]:
                first = builder.add(builder.add(base, builder.mul(register, stride)), offset)
                return [builder.add(first, I64(64 * each)) for each in range(vectors)]

            with cgutils.for_range_slice(builder, start, end, I64(64 * vectors), I64) as (offset, _):
                for value in found:
                    builder.store(nothing, value)
                with cgutils.for_range(builder, count) as loop:
                    step = builder.load(builder.inttoptr(builder.add(steps, builder.shl(loop.index, I64(3))), I64.as_pointer()))
                    with builder.if_then(builder.icmp_unsigned("!=", builder.and_(step, I64(KEEP)), I64(0)), likely=False):
                        for value, place in zip(found, places(builder.lshr(step, I64(KEPT)), offset), strict=True):
                            _store(builder, builder.load(value), place)
                            builder.store(nothing, value)
                    register = builder.and_(builder.lshr(step, I64(OPERAND)), I64(REGISTERS))
                    either = _splat(builder, builder.sub(I64(0), builder.and_(step, I64(1))), 8)
                    for value, place in zip(found, places(register, offset), strict=True):
                        builder.store(_majority(builder, builder.load(value), _load(builder, place, I64, 8), either), value)
                places_of_result = [builder.add(builder.add(target, offset), I64(64 * each)) for each in range(vectors)]
                if streaming:
                    with builder.if_then(builder.icmp_unsigned("!=", target, I64(0))):
                        for value, place in zip(found, places_of_result, strict=True):
                            _store(builder, builder.load(value), place, streaming)
                    for value in found:
                        builder.store(builder.add(builder.load(total), builder.call(ones, [builder.load(value)])), total)
                else:
                    for value, place in zip(found, places_of_result, strict=True):
                        _store(builder, builder.load(value), place)
            lanes = [builder.extract_element(builder.load(total), ir.Constant(I32, lane)) for lane in range(8)]
            return reduce(builder.add, lanes)

        return types.int64(target, args, *[types.int64] * 6), code

    return logic


@part
def logic_word(args, at, count, base, stride, offset):
    """What steps of logic find of 64 rows."""
    word = unsigned(0)
    for k in range(at, at + count):
        step = args[k]
        if step & KEEP:
            store64(base + (step >> KEPT) * stride + offset, word)
            word = unsigned(0)
        other = load64(base + ((step >> OPERAND) & REGISTERS) * stride + offset)
        word = (word & other) | ((word | other) & unsigned(-(step & OR)))
    return word


def _logic_loop(target, args, at, count, base, stride, start, end):
    total = 0
    for i in range(start, end, 8):
        word = logic_word(args, at, count, base, stride, i)
        if target != 0:
            store64(target + i, word)
        total += ones(word)
    return total


if VECTORS:
    in_range8, in_range16, in_range32, in_range64 = (_range_lanes(element) for element in (I8, I16, I32, I64))
    at_least, below = _compare_lanes(">="), _compare_lanes("<")
    logic8, logic32 = _logic_lanes(1, streaming=False), _logic_lanes(4, streaming=False)
    send8, send32 = _logic_lanes(1, streaming=True), _logic_lanes(4, streaming=True)
else:
    in_range8, in_range16 = _range_loop(load8, 1, 0xFF), _range_loop(load16, 2, 0xFFFF)
    in_range32, in_range64 = _range_loop(load32, 4, 0xFFFFFFFF), _range_loop(load64, 8, 0xFFFFFFFFFFFFFFFF)
    at_least, below = part(_at_least_loop), part(_below_loop)
    logic8 = logic32 = send8 = send32 = part(_logic_loop)

# the first `ones` of 16 places after `base` whose mask bit is set, as uint32 (up to 64 bytes are written)
place16 = _place16() if COMPRESSES else part(_place_loop)
# those of 8 words that are not zero, and their numbers; how many (up to 64 bytes are written to each list)
filled8 = _filled8() if COMPRESSES else part(_filled_loop)
in_set8 = _set_lanes() if SHUFFLES else part(_set_loop)
in_bits8 = _bits_lanes() if SELECTS and JIT else part(_bits_loop)


@inlined
def code_at(address, width):
    """An unsigned code of `width` bytes, as int64 bits."""
    if width == 1:
        return signed(load8(address))
    if width == 2:
        return signed(load16(address))
    if width == 4:
        return signed(load32(address))
    return signed(load64(address))
