"""The one kernel: takes blocks from a shared counter and runs the program on each."""

from __future__ import annotations

from segkernel.kernel import operations as op
from segkernel.kernel.accumulators import of_codes, of_floats
from segkernel.kernel.aggregates import (
    average,
    extract,
    float_total,
    mark,
    mean,
    span,
    visit_any_float,
    visit_recoded,
    visit_rows,
    visit_wide,
)
from segkernel.kernel.calculated import visit_exact
from segkernel.kernel.compilation import entry, part
from segkernel.kernel.days import calendar, day_of, hour_of, shift_date, shift_time
from segkernel.kernel.groups import choose_row, deviate, group, spread, take, take_bits
from segkernel.kernel.lanes import load_whole, signed, take_next
from segkernel.kernel.places import distance
from segkernel.kernel.registers import (
    always,
    combine,
    compare_exact,
    compare_float,
    compare_mixed,
    compare_wide,
    count,
    float_range,
    in_codes,
    in_range,
    in_set,
    invert,
    lift,
    pick,
    put,
    so_many,
    subtract,
    wide_range,
)
from segkernel.kernel.rounding import round_exact, round_places, round_wide
from segkernel.kernel.semijoin import within
from segkernel.kernel.values import (
    check_whole,
    check_zero,
    compute,
    compute_float,
    compute_wide,
    copy,
    divide,
    fetch,
    fill,
    hand,
    lift_value,
    load,
    load_wide,
    narrow,
    recode,
    recode_wide,
    round_float,
    select,
    to_float,
    wide_to_float,
    widen,
)

NAN_BITS = 0x7FF8000000000000


@part
def located(operand, place, slots, stride, first, width):
    """The address of the block's first row of a column, or of a slot."""
    return operand + first * width if place == op.COLUMN else slots + operand * stride


@part
def fail(errors, instruction, row):
    """Keeps the first failure in the order of instructions and rows, whatever the order of blocks."""
    if errors[0] == 0 or instruction + 1 < errors[0] or (instruction + 1 == errors[0] and row < errors[1]):
        errors[0], errors[1] = instruction + 1, row


@part
def test_step(what, target, a, b, c, d, e, args, slots, slot, bits, stride, first, words, root):
    """The instructions that fill a register of their own space."""
    if what == op.WITHOUT:
        subtract(target, bits + a * stride, bits + b * stride, words)
    elif what == op.FLOAT_RANGE:
        float_range(target, located(a, e, slots, slot, first, 8), b, c, d, words)
    elif what == op.NOT:
        invert(target, bits + a * stride, words)
    elif what == op.ALWAYS:
        always(target, a, words)
    elif what == op.CODES:
        in_codes(target, located(a, e, slots, slot, first, c), b, c, words)
    elif what == op.LIFT:
        lift(target, root[0] + a * root[1], b + first * 4, root[2], root[3] - 1, words)
    elif what == op.COMPARE:
        x, y = slots + a * slot, slots + b * slot
        if d == 0:
            compare_exact(target, x, y, c, words)
        elif d == 1:
            compare_float(target, x, y, c, words)
        elif d == 2 or d == 4:
            compare_mixed(target, x, x + slot, y, d == 4, c, words)
        else:
            compare_wide(target, x, x + slot, y, y + slot, c, words)
    elif what == op.AT_LEAST:
        so_many(target, args, a, b, c, d, e, bits, stride, words)
    elif what == op.WIDE_RANGE:
        wide_range(target, slots + a * slot, slots + (a + 1) * slot, args, c, words)


@part
def value_step(what, target, a, b, c, d, e, args, slots, slot, bits, stride, first, start, stop, rows):
    """The instructions that fill a slot from their own space; the row that failed, or -1."""
    x, y = slots + a * slot, slots + b * slot
    if what == op.LOAD:
        load(target, located(a, d, slots, slot, first, b), b, args[c], args[c + 1], rows)
    elif what == op.FILL:
        fill(target, a, rows)
    elif what == op.COMPUTE:
        compute(target, x, y, c, rows)
    elif what == op.COMPUTE_FLOAT:
        compute_float(target, x, y, c, rows)
    elif what == op.TO_FLOAT:
        to_float(target, x, bits + b * stride if b >= 0 else b, c, rows)
    elif what == op.LOAD_FLOAT:
        copy(target, located(a, b, slots, slot, first, 8), rows)
    elif what == op.SELECT:
        select(target, x, y, bits + c * stride, rows)
    elif what == op.RECODE:
        recode(target, located(a, d, slots, slot, first, b), b, c, rows)
    elif what == op.DAY_OF:
        day_of(target, x, b, c, d, rows)
    elif what == op.SHIFT_DATE:
        shift_date(target, x, b, rows)
    elif what == op.SHIFT_TIME:
        shift_time(target, x, b, c, args[d], args[d + 1], args[d + 2], rows)
    elif what == op.CALENDAR:
        calendar(target, x, b, c, rows)
    elif what == op.HOUR_OF:
        hour_of(target, x, args[b], args[b + 1], args[b + 2], rows)
    elif what == op.DIVIDE:
        divide(target, target + slot, x, x + slot, y, y + slot, bits + c * stride, rows)
    elif what == op.ROUND_EXACT:
        round_exact(target, x, b, c, rows)
    elif what == op.ROUND_FLOAT:
        round_places(target, x, b, c, rows)
    elif what == op.ROUND_WIDE:
        round_wide(target, target + slot, x, x + slot, b, c, d, rows)
    elif what == op.DISTANCE:
        distance(target, x, y, slots + c * slot, slots + d * slot, rows)
    elif what == op.ROUND:
        round_float(target, target + slot, x, bits + c * stride, rows)
    elif what == op.NARROW:
        return narrow(target, x, x + slot, bits + d * stride if d >= 0 else d, e, start, stop, rows)
    elif what == op.WIDEN:
        widen(target, target + slot, x, rows)
    elif what == op.LOAD_WIDE:
        load_wide(target, target + slot, located(a, d, slots, slot, first, b), b, args, c, rows)
    elif what == op.RECODE_WIDE:
        recode_wide(target, target + slot, located(a, d, slots, slot, first, b), b, c, rows)
    elif what == op.COMPUTE_WIDE:
        present = bits + d * stride if d >= 0 else d
        return compute_wide(target, target + slot, x, x + slot, y, y + slot, c, present, e, start, stop, rows)
    elif what == op.WIDE_TO_FLOAT:
        wide_to_float(target, x, x + slot, bits + b * stride if b >= 0 else b, c, rows)
    elif what == op.CHECK_WRAPS:
        return check_zero(x, start, stop)
    elif what == op.CHECK_WHOLE:
        return check_whole(x, x + slot, bits + d * stride if d >= 0 else d, start, stop)
    elif what == op.AVERAGE:
        average(target, x, slot, y, c, d, stop)
    elif what == op.MEAN:
        mean(target, target + slot, x, slot, y, bits + c * stride, d, rows)
    elif what == op.SPREAD:
        spread(target, x, y, rows)
    elif what == op.FLOAT_TOTAL:
        float_total(target, x, slot, stop)
    elif what == op.FETCH:
        fetch(target, a, b, c, first, start, stop, rows)
    elif what == op.SPAN:
        span(target, a + first * 8, rows if rows < stop else stop)
    return -1


@part
def visit_step(t, home, address, c, args, at, slot, apart, bits, stride, slots, places, found, first, owners_first):
    """Adds the listed rows to their owners' slots, whose first begins at `home`."""
    kind, base, step, owner, target = args[at], args[at + 1], args[at + 2], args[at + 3] + first * 4, home + t * slot
    if kind == op.OF_CODES or kind == op.OF_FLOATS:
        origin = home - owners_first * 8
        count, total = origin + args[at + 5] * slot, origin + args[at + 6] * slot
        top, bottom = origin + args[at + 7] * slot, origin + args[at + 8] * slot
        given = (count, total, top, bottom, slot, places, found, address, c, base, step, owner)
        if kind == op.OF_CODES:
            of_codes(args[at + 4], given)
        else:
            of_floats(args[at + 4], given)
    elif kind == op.COUNT_ROWS:
        visit_rows(target, places, found, owner, owners_first)
    elif kind == op.SUM_RECODED:
        visit_recoded(target, places, found, address, c, base, owner, owners_first)
    elif kind == op.SUM_WIDE:
        visit_wide(target, slot, places, found, address, c, args, at + 4, owner, owners_first)
    elif kind == op.FLOAT_SUM_ANY:
        visit_any_float(target, slot, places, found, address, owner, owners_first)
    elif kind == op.DEVIATIONS:
        deviate(target, slot, target + base * slot, places, found, address, owner, owners_first)
    elif kind >= op.DISTINCT:
        present = bits + step * stride if step >= 0 else step
        if kind == op.FIRST or kind == op.LAST:
            ranks = args[at + 4] + first * 4 if args[at + 4] != 0 else args[at + 4]
            choose_row(kind, base, target, places, found, address, c, apart, present, ranks, owner, owners_first)
        else:
            scratch = slots + args[at + 4] * apart
            group(kind, base, target, places, found, address, c, apart, present, scratch, args[at + 5], owner, owners_first)
    else:
        visit_exact(kind, target, slot, places, found, address, apart, base, step, owner, owners_first)


@entry(
    "void(Array(int64, 2, 'C', readonly=True), Array(int64, 1, 'C', readonly=True), Array(int64, 2, 'C', readonly=True), "
    "Array(int64, 2, 'C', readonly=True), int64, int64, int64, int64, int64, int64[::1], int64[::1])"
)
def interpret(program, args, blocks, layout, counter, halt, places, lists, room, counts, errors):
    """Runs a program on every block that this thread takes.

    program  int64[instructions, 8], see `operations`
    args     int64[:], further operands
    blocks   int64[blocks, 2 * spaces]: first row and end of each space's rows
    layout   int64[spaces, 4]: this thread's registers (address, bytes each) and slots (address, bytes each)
    counter  address of the number of the next block; halt: address of a number that is not 0 when all shall stop
    places   address of room for the places of a block's rows (uint32); lists: of two lists of `room` bytes, for its words
    counts   int64[:], added to by COUNT; errors int64[2]: instruction + 1 and row of the first failure
    """
    found = signed(0)
    while load_whole(halt) == 0:
        block = take_next(counter)
        if block >= blocks.shape[0]:
            break
        root_first = blocks[block, 0]
        root_rows = ((blocks[block, 1] - root_first + 63) >> 6) * 64
        last, bits, stride, slots, slot, begin, end = -1, 0, 0, 0, 0, 0, 0
        for p in range(program.shape[0]):
            what, space, t = program[p, 0], program[p, 1], program[p, 2]
            a, b, c, d, e = program[p, 3], program[p, 4], program[p, 5], program[p, 6], program[p, 7]
            if space != last:
                last = space
                bits, stride, slots, slot = layout[space, 0], layout[space, 1], layout[space, 2], layout[space, 3]
                begin, end = blocks[block, 2 * space], blocks[block, 2 * space + 1]
            first = begin >> 6 << 6
            words = (end - first + 63) >> 6
            # what most programs mostly do comes first
            if what == op.RANGE:
                in_range(bits + t * stride, located(a, e, slots, slot, first, d), b, c, d, words)
            elif what == op.OUT:
                counts[b] += put(t + (first >> 3) if t != 0 else t, args, a, c, bits, stride, end - begin)
            elif what == op.SET8:
                in_set(bits + t * stride, a + first, b, c, d, words)
            elif what == op.LOGIC:
                combine(bits + t * stride, args, a, b, bits, stride, words)
            elif what == op.TAKE_BITS:
                register = layout[b, 0] + a * layout[b, 1] if a >= 0 else a
                take_bits(bits + t * stride, slots + d * slot, register, words)
            elif what < op.LOAD:
                target = bits + t * stride
                root = (layout[0, 0], layout[0, 1], root_first, root_rows)
                test_step(what, target, a, b, c, d, e, args, slots, slot, bits, stride, first, words, root)
            elif what == op.EXTRACT:
                found = extract(places, lists, room, bits + a * stride if a >= 0 else a, begin - first, end - first)
            elif what == op.VISIT:
                owners_first = blocks[block, 2 * b] >> 6 << 6
                home, address = layout[b, 2], located(a, e, slots, slot, first, c)
                visit_step(t, home, address, c, args, d, layout[b, 3], slot, bits, stride, slots, places, found, first, owners_first)
            elif what == op.ANY:
                owners_first = blocks[block, 2 * b] >> 6 << 6
                mark(layout[b, 0] + t * layout[b, 1], places, found, d + first * 4, owners_first)
            elif what == op.WITHIN:
                from_row, wide = blocks[block, 2 * b], c != 0
                near, target = from_row >> 6 << 6, layout[b, 0] + t * layout[b, 1]
                own = args[d + 2] + near * 4 if args[d + 2] != 0 else args[d + 2]
                values, listed = layout[b, 2] + args[d] * layout[b, 3], slots + a * slot
                owner, scratch = args[d + 1] + first * 4, slots + args[d + 3] * slot
                extent = (near, from_row - near, blocks[block, 2 * b + 1] - near)
                within(target, values, layout[b, 3], listed, slot, scratch, wide, places, found, owner, own, *extent)
            elif what == op.LIFT_VALUE:
                source, last = layout[0, 2] + a * layout[0, 3], root_first + root_rows - 1
                lift_value(slots + t * slot, source, b + first * 4, root_first, last, words * 64)
            elif what == op.TAKE or what == op.TAKE_FLOAT:
                source = located(a, e, layout[b, 2], layout[b, 3], blocks[block, 2 * b] >> 6 << 6, c)
                take(slots + t * slot, slots + d * slot, source, c, NAN_BITS if what == op.TAKE_FLOAT else 0, words * 64)
            elif what == op.COUNT:
                counts[t] += count(bits + a * stride, end - begin)
            elif what == op.HAND:
                source = bits + a * stride if b != 0 else slots + a * slot
                hand(t + first * 8, source, b, begin - first, end - first)
            elif what == op.PICK:
                pick(t + first * c, bits + a * stride, b, c, end - begin)
            else:
                target, start, stop, rows = slots + t * slot, begin - first, end - first, words * 64
                row = value_step(what, target, a, b, c, d, e, args, slots, slot, bits, stride, first, start, stop, rows)
                if row >= 0:
                    fail(errors, p, first + row)
