"""What the benchmark says of its measurements: ratios, shares of the limit, verdicts, and that nothing measured is lost."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest

import segkernel as sk
from benchmarks.bandwidth import Bandwidth
from benchmarks.cells import AXES, CELLS, TABLE, Cell, Size
from benchmarks.results import OURS, ROOM, Limit, Memory, Result, blank, keep, load
from benchmarks.rivals import numpy_rival
from benchmarks.workloads import AS_OF, Variant, workload
from tests.rivals.tables import CannotSay, plain_tables

SIZE = Size(1000)
CELL = Cell(name="c", title="a cell", size=SIZE, quick=SIZE, rivals=("Polars", "NumPy"), targets={"Polars": 10, "limit": 0.5})


def measured(ours: float, polars: float, read: int = 0) -> Result:
    seconds = {
        OURS: [9.0, ours, 0.0],
        "Polars streaming": [polars * 2],
        "Polars in-memory": [polars, polars * 9, polars / 9],
        "NumPy": [0.1],
    }
    limit = Limit(read, 50, Bandwidth(read=100.0, store=50.0, stream=100.0))
    return msgspec.structs.replace(blank(CELL, SIZE, "by hand"), seconds=seconds, limit=limit)


def test_a_ratio_is_the_best_way_of_a_rival_over_our_median() -> None:
    result = measured(ours=2.0, polars=30.0, read=100)
    assert result.reached(CELL) == {"Polars": 15.0, "NumPy": 0.05, "limit": 1.0}
    assert result.share(past_caches=True) == 0.75


@pytest.mark.parametrize(
    ("ours", "polars", "verdict"), [(4.0, 40.0, "reached"), (4.0, 39.0, "missed: Polars"), (8.0, 39.0, "missed: Polars, limit")]
)
def test_a_verdict_names_the_targets_that_are_missed(ours: float, polars: float, verdict: str) -> None:
    assert measured(ours, polars, read=100).verdict(CELL) == verdict


def test_a_target_that_was_not_measured_is_missed() -> None:
    result = measured(2.0, 30.0, read=100)
    assert result.verdict(msgspec.structs.replace(CELL, targets={"DuckDB": 2.0})) == "missed: DuckDB"
    assert blank(CELL, SIZE, "").verdict(CELL) == "missed: Polars, limit"


def test_memory_may_be_codes_output_and_a_quarter_of_a_gibibyte() -> None:
    result = blank(CELL, SIZE, "")
    at_most = msgspec.structs.replace(result, memory=Memory(above=30 + ROOM, tables=5, codes=10, output=20))
    above = msgspec.structs.replace(result, memory=Memory(above=31 + ROOM, tables=5, codes=10, output=20))
    assert (at_most.verdict(CELL), above.verdict(CELL)) == ("reached", "missed")


def test_a_failure_does_not_take_the_place_of_a_measurement(tmp_path: Path) -> None:
    path, good = tmp_path / "folder" / "results.json", measured(2.0, 30.0)
    failed = msgspec.structs.replace(blank(CELL, SIZE, ""), failed="the machine was tired")
    keep(path, failed)
    assert load(path)["c"].verdict(CELL) == "not measured: the machine was tired"
    keep(path, good)
    keep(path, msgspec.structs.replace(good, cell="other"))
    keep(path, failed)
    assert load(path) == {"c": good, "other": msgspec.structs.replace(good, cell="other")}


def test_cells_have_names_of_their_own_and_targets_that_are_measured() -> None:
    assert len(CELLS) == len(TABLE) + len(AXES)
    for cell in CELLS.values():
        assert set(cell.targets) <= {*cell.rivals, "limit"}
        assert cell.quick.accounts <= cell.size.accounts


@pytest.mark.parametrize("rows", [1, 63, 64, 65, numpy_rival.BLOCK + 1])
def test_packed_bits_by_numpy_are_those_of_the_kernel(rows: int) -> None:
    made = workload("flat", rows, 0, 40, seed=rows, variant=Variant(missing=0.4))
    data = sk.Dataset(made.frames, made.schema)
    rules = sk.compile(made.rules, data.schema)
    result = rules.evaluate(data, as_of=AS_OF)
    found = numpy_rival.prepare(rules.checked, made.schema, plain_tables(made.schema, made.frames, "UTC"), result.as_of_ns).run()
    assert list(found) == list(result.names)
    for name, bits in found.items():
        assert np.array_equal(bits, result.bits[name].view(np.uint8)[: len(bits)]), name


def test_numpy_has_no_words_for_more_than_one_table() -> None:
    made = workload("with orders", 10, 20, 5)
    data = sk.Dataset(made.frames, made.schema)
    rules = sk.compile("segment s when any(orders)", data.schema)
    with pytest.raises(CannotSay, match="more than one table"):
        numpy_rival.prepare(rules.checked, made.schema, plain_tables(made.schema, made.frames, "UTC"), 0)
