"""What an instruction can be. A program is `int64[:, 8]`: operation, space, target, then five operands a to e.

A *space* is the rows of one table in one order; a *register* is a bitmap of a block's rows of a space, a *slot* 8 bytes a
row (a whole number, a float, or a code). `place` says what an address operand is: COLUMN, the memory of a whole column,
of which the block's rows are taken, or SLOT, the number of a slot. Operands named `at` are places in the table of further
operands, `args`. Missing registers and validities are -1.
"""

COLUMN, SLOT = 0, 1

# ---- tests: target is a register
ALWAYS = 0  # a: 0 or 1
RANGE = 1  # a address, b low, c span, d width in bytes, e place: code - low <= span
FLOAT_RANGE = 2  # a address, b low (float bits), c high (float bits), d which: 1 >= low, 2 < high, 3 both; e place
SET8 = 3  # a address, b table of 32 bytes: codes of one byte; d 1: which are all below 64, c a bit for each
CODES = 4  # a address, b bitset by code, d width, e place
LIFT = 5  # a register of the root, b owners' address: the bit of each row's account
COMPARE = 6  # a slot, b slot, c which (see COMPARISONS), d kind: 0 exact, 1 float, 2 exact with float, 3 wide, 4 wide with float
WIDE_RANGE = 7  # a slot (and a + 1), c at: low high part, low low part, high high part, high low part; both included
TAKE_BITS = 9  # target register, a register of the rows or -1, b rows' space, d slot of the places
AT_LEAST = 8  # a at (registers), b how many, c how many must be set, d first of the registers to count in, e how many of those

# ---- registers
LOGIC = 10  # a at (steps, see below), b how many
WITHOUT = 12  # a and not b
NOT = 13  # a

# ---- values: target is a slot
LOAD = 20  # a address, b width, c at: base, step; d place
RECODE = 21  # a address, b width, c table of int64 by code, d place
FILL = 22  # a the bits
COMPUTE = 23  # a slot, b slot, c which: 0 +, 1 -, 2 *
COMPUTE_FLOAT = 24  # a slot, b slot, c which: 0 +, 1 -, 2 *, 3 /
TO_FLOAT = 25  # a slot, b register of the present rows or -1, c divisor (float bits)
LOAD_FLOAT = 26  # a address of 8 bytes a row, b place
SELECT = 27  # a slot where set, b slot where not, c register
DAY_OF = 28  # a slot of instants, b table of days' starts, c how many, d first day
LIFT_VALUE = 29  # a slot of the root, b owners' address
SHIFT_DATE = 30  # a slot of dates, b months
SHIFT_TIME = 31  # a slot of instants, b months, c days, d at: table of local clocks (see `times`)
CALENDAR = 33  # a slot of dates, b which (see PARTS), c today (for anniversary)
HOUR_OF = 34  # a slot of instants, b at: table of local clocks
DISTANCE = 38  # a, b slots of latitude and longitude, c, d of those of the other place; floats
ROUND_EXACT = 35  # a slot, b which (see ROUNDINGS), c divisor
ROUND_FLOAT = 36  # a slot of floats, b which, c the power of ten (float bits)
FETCH = 37  # a memory of 8 bytes a row (0: 1 everywhere), b numbers of rows (uint32) or 0 for all in order, c where there is none
ROUND = 32  # a slot of floats: the nearest wide number, ties to even; c register: present, cleared where none

# ---- wide values, 128 bits: slots target (high part) and target + 1 (low part)
WIDEN = 40  # a slot
LOAD_WIDE = 41  # a address, b width, c at: base high, base low, step high, step low; d place
RECODE_WIDE = 42  # a address, b width, c table of pairs of int64 by code, d place
COMPUTE_WIDE = 43  # a slot, b slot, c which: 0 +, 1 -, 2 *; d register of the present rows or -1; e 1: must fit whole numbers
WIDE_TO_FLOAT = 44  # a slot, b register or -1, c divisor (float bits)
DIVIDE = 46  # a slot, b slot: exact quotient rounded to the nearest, ties to even; c register: present, cleared where b is 0
CHECK_WRAPS = 47  # a slot of wraps: a sum that left 128 bits and did not come back
ROUND_WIDE = 48  # a slot, b which, c divisor's high part, d low part
NARROW = 49  # a slot, d register or -1: the same numbers in 64 bits, which must hold them, e of room being left at both ends
CHECK_WHOLE = 45  # a slot, d register or -1: the value must be a whole number from -2^63 to 2^64 - 1

# ---- aggregates
EXTRACT = 50  # space the rows', a register or -1: lists the places of the set bits
VISIT = 51  # space the rows', target slot of the owners', a address, b owners' space, c width, d at: kind, base, step, owners'
# address; e place
ANY = 52  # target register of the owners' space, b owners' space, d owners' address
SPAN = 53  # target slot, a address of where each row's children start: how many children
AVERAGE = 54  # target slot, a slot, b slot of the count, c kind: 0 exact, 1 float, 2 wide, 3 with wraps behind,
# 4 float in two slots; d divisor (float bits)
SPREAD = 56  # target slot, a slot of the sum of squares, b slot of the count
TAKE = 57  # target slot, a address, b rows' space, c width, d slot of the places, counted from 1, e place: what stands there, else 0
TAKE_FLOAT = 58  # the same of floats, else NaN
WITHIN = 70  # space the rows', target register of the values' space, a slot of the rows, b values' space, c 1: wide, d at: slot of the
# values, rows' owners' address, values' owners' address or 0, scratch slot of the rows
FLOAT_TOTAL = 55  # target slot, a first of the 6 slots of a sum of floats of any size
MEAN = 59  # target first of 2 slots, a slot of the sum, b slot of the count, c register: present, cleared where the count is 0;
# d kind of the sum: 0 exact, 2 wide, 3 wide with wraps behind: the nearest whole number, ties to even

# ---- results
OUT = 60  # a at (steps), c how many, target address of the segment's words, or 0: they are only counted; b which count
COUNT = 61  # a register, target which count
HAND = 63  # a slot of the root, or where b is 1 a register, as 1 and 0; target address of 8 bytes a row
PICK = 62  # a register, target address of the codes, b code, c width

COMPARISONS = ("=", "!=", "<", "<=", ">", ">=")

PARTS = ("year", "quarter", "month", "day", "weekday", "week_start", "month_start", "quarter_start", "year_start", "anniversary")

ROUNDINGS = ("floor", "ceil", "round")

# ---- steps of logic: what was found so far, at first nothing, and one more register
AND, OR = 0, 1
KEEP = 2
"""Added to a step: before it what was found is kept in one more register, and nothing is found any more."""
OPERAND, REGISTERS, KEPT = 8, (1 << 27) - 1, 35
"""A step is its kind, its register from bit OPERAND on, of which REGISTERS says how many bits are its, and from bit KEPT on that in which
to keep."""

# ---- kinds of visit
COUNT_ROWS, OF_CODES, OF_FLOATS, SUM_RECODED, SUM_WIDE, FLOAT_SUM_ANY = 0, 1, 2, 3, 4, 5
COUNTED, SUMMED, GREATEST, LEAST = 1, 2, 4, 8
"""Parts of OF_CODES and OF_FLOATS: behind the owners' address stand their sum, and the slot of each of the four; a sum of floats has two
slots, and the base holds the bits of the number that cuts its values."""
EXACT_SUM, EXACT_SUM_WIDE, EXACT_LARGEST, EXACT_SMALLEST, WIDE_LARGEST, WIDE_SMALLEST = 11, 12, 13, 14, 15, 16
"""Of whole numbers in a slot; for a wide sum the base says whether they are wide, the step whether wraps are counted."""
DISTINCT, MEDIAN, FIRST, LAST, DEVIATIONS = 20, 21, 22, 23, 24
"""Of an owner's rows together: base is the form of the values (below), step the register of the present ones or -1; then a slot for
scratch (with DISTINCT and MEDIAN), two units as a float (MEDIAN) or the ranks' address (FIRST, LAST); of DEVIATIONS base is how many
slots behind the target the mean is."""
CODES_OF, EXACTS_OF, WIDES_OF, FLOATS_OF = 0, 1, 2, 3
