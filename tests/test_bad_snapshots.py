"""Files of memberships that are not what was saved: each is refused with what was expected and what was found."""

from __future__ import annotations

import io
import json
import random
from hashlib import blake2b

import polars as pl
import pytest

import segkernel as sk
from segdsl.typesystem import TIMESTAMP, decimal
from segkernel import snapshot
from tests.memberships import membership, tier

NIGHT = membership(
    [30, 10, 20],
    {"vip": [True, False, True], "lost & found": [False, False, True]},
    {"tier": tier("gold", None, "silver"), "price": (decimal(2), (250, -5), [2, 0, 1])},
    unknown={"vip": 1, "lost & found": 0},
)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "night.parquet"


def refusal(path):
    with pytest.raises(sk.SnapshotError) as caught:
        sk.Membership.load(path)
    message = str(caught.value)
    assert message.startswith((f"{path}: ", f"cannot read {path}: ")), message
    return message.removeprefix(f"{path}: ")


def test_files_that_cannot_be_read(path, tmp_path):
    assert refusal(path) == f"cannot read {path}: No such file or directory"
    assert refusal(tmp_path) == f"cannot read {tmp_path}: Is a directory"
    with pytest.raises(sk.SnapshotError, match="cannot read"):
        sk.Membership.load("nul\0byte")


OTHER = "expected a Parquet file with a saved membership, found another file, or one that was cut off"


@pytest.mark.parametrize(
    "content", [b"", b"PAR1", b"PAR1PAR1", b"id,vip\n1,true\n", b"PAR1" + b"\xff" * 8 + b"PAR1", b"PAR1" + b"\0" * 8 + b"PAR1"]
)
def test_files_that_are_no_parquet(path, content):
    path.write_bytes(content)
    assert refusal(path) == OTHER


def test_a_file_cut_off_anywhere(path):
    NIGHT.save(path)
    content = path.read_bytes()
    for end in range(0, len(content), 97):
        path.write_bytes(content[:end])
        assert refusal(path) == OTHER


def test_parquet_of_another_origin(path):
    pl.DataFrame({"id": [1], "vip": [True]}).write_parquet(path)
    assert refusal(path) == (
        "expected a membership that result.save or `segkernel run` (wide layout) wrote, "
        'found Parquet without the entry "segkernel" in its metadata'
    )


def test_a_footer_that_is_too_large(path, monkeypatch):
    NIGHT.save(path)
    monkeypatch.setattr(snapshot, "MOST_FOOTER", 10)
    assert refusal(path).startswith("expected a footer of at most 10 bytes, found ")


def test_metadata_that_are_too_large(path, monkeypatch):
    NIGHT.save(path)
    monkeypatch.setattr(snapshot, "MOST_METADATA", 10)
    assert refusal(path).startswith("expected metadata of at most 10 characters, found ")


def doctored(path, change=None, frame=None, seal=True):
    """The night's file with another document or frame in it, sealed anew."""
    NIGHT.save(path)
    entries = pl.read_parquet_metadata(path)
    document = json.loads(entries["segkernel"])
    if change is not None:
        document = change(document) or document
    text = document if isinstance(document, str) else json.dumps(document)
    digest = blake2b(text.encode(), digest_size=16).hexdigest() if seal else entries["segkernel.blake2b"]
    (NIGHT.frame() if frame is None else frame(NIGHT.frame())).write_parquet(
        path, metadata={"segkernel": text, "segkernel.blake2b": digest}
    )
    return refusal(path)


def put(*where_and_value):
    """A change of one place of a document."""
    *where, last, value = where_and_value

    def change(document):
        for step in where:
            document = document[step]
        document[last] = value

    return change


def test_another_version_of_the_format(path):
    assert doctored(path, put("format", 2)) == (
        "expected format 1 of a saved membership, found 2; "
        "it was written by another version of segkernel: read it with that one, or save it again with this one"
    )


def test_metadata_that_were_changed(path):
    said = doctored(path, put("names", 0, "fingerprint", "other"), seal=False)
    assert said.startswith("expected metadata with the digest that was saved, found another one; ")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda document: "{", "its metadata are damaged: "),
        (lambda document: "[" * 100_000, "its metadata are damaged: "),
        (lambda document: "\ufffe", "its metadata are damaged: "),
        (lambda document: "{}", "its metadata are damaged: Object missing required field `format`"),
        (lambda document: '{"format": 1}', "its metadata are damaged: Object missing required field `segkernel`"),
        (put("accounts", "3"), "its metadata are damaged: Expected `int`, got `str` - at `$.accounts`"),
        (put("names", 0, "kind", "bundle"), "its metadata are damaged: Invalid value 'bundle' - at `$.names[0].kind`"),
        (put("timezone", "Europe/Berln"), 'its metadata are damaged: there is no time zone "Europe/Berln"'),
        (put("timezone", "../../etc/passwd"), "its metadata are damaged: there is no time zone"),
        (put("as_of_ns", 2**70), "expected an instant of the years 1 to 9999, found "),
        (put("as_of_ns", 0.5), "its metadata are damaged: Expected `int`, got `float` - at `$.as_of_ns`"),
        (put("accounts", 4), "expected 4 accounts, as its metadata say, found 3; "),
        (put("accounts", 10**18), "expected 1,000,000,000,000,000,000 accounts, as its metadata say, found 3; "),
        (put("key", []), "expected a key and names that differ from each other, "),
        (put("names", 0, "name", "tier"), "expected a key and names that differ from each other, "),
        (put("names", 0, "name", "other"), "expected the 5 columns that its metadata tell, found none called other; "),
        (put("names", 0, "accounts", 1), 'expected 1 accounts in "vip", found 2; '),
        (put("names", 2, "none", 0), 'expected the numbers of accounts that its metadata tell for the values of "tier", found others; '),
        (put("names", 2, "type", "colour"), 'expected values of the type colour for "tier", found others ("gold"); '),
        (put("names", 2, "type", "list of text"), 'expected values of the type list of text for "tier", '),
        (put("names", 2, "values", 0, "exact", "silver"), 'expected values of the type text for "tier", found others ('),
        (put("names", 2, "values", 0, "exact", "bronze"), "expected Enum(categories=['bronze', 'silver']) in \"tier\", found "),
        (put("names", 3, "values", 0, "exact", "2.5"), 'expected values of the type decimal(2) for "price", '),
        (put("names", 3, "values", 0, "exact", "9" * 10_000), 'expected values of the type decimal(2) for "price", '),
        (put("names", 3, "values", 0, "exact", "9" * 50), 'expected values of the type decimal(2) for "price", '),
        (put("names", 3, "type", "date"), 'expected Date in "price", found Decimal'),
        (put("names", 3, "type", "timestamp"), "expected Datetime"),
        (put("names", 3, "type", "number"), 'expected Float64 in "price", found Decimal'),
        (put("names", 3, "values", 0, "exact", "251"), 'expected the values of "price" that its metadata list, found another one; '),
        (put("fingerprints", "content", ""), "expected the rows that were saved, found others (their digest differs); "),
    ],
)
def test_metadata_that_do_not_fit(path, change, said):
    found = doctored(path, change)
    assert found.startswith(said)
    assert len(found) < 400


COLUMNS = "expected the 5 columns that its metadata tell, found "


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (lambda frame: frame.drop("vip"), COLUMNS + "none called vip; "),
        (lambda frame: frame.with_columns(more=1), COLUMNS + "more, or another order; "),
        (lambda frame: frame.select(reversed(frame.columns)), COLUMNS + "more, or another order; "),
        (lambda frame: frame.cast({"vip": pl.Int8}), 'expected Boolean in "vip", found Int8; '),
        (lambda frame: frame.cast({"tier": pl.String}), "expected Enum(categories=['gold', 'silver']) in \"tier\", found String"),
        (lambda frame: frame.with_columns(id=pl.lit(b"x")), 'expected a key of a type that rules can use in "id", found Binary; '),
        (
            lambda frame: frame.with_columns(vip=None).cast({"vip": pl.Boolean}),
            'expected true or false in each row of "vip", found 3 missing; ',
        ),
        (lambda frame: frame[:2], "expected 3 accounts, as its metadata say, found 2; "),
        (lambda frame: frame.with_columns(vip=pl.Series([True, True, False])), "expected the rows that were saved, found others "),
        (lambda frame: frame.with_columns(id=pl.Series([1, 2, 3])), "expected the rows that were saved, found others "),
        (lambda frame: frame.cast({"id": pl.String}), "expected the rows that were saved, found others "),
    ],
)
def test_rows_that_do_not_fit(path, frame, said):
    assert doctored(path, frame=frame).startswith(said)


def test_a_zone_of_the_files_choose_is_another(path):
    night = membership([1], {}, {"c": (TIMESTAMP, (0,), [1])})
    night.save(path)
    entries = {name: text for name, text in pl.read_parquet_metadata(path).items() if name != "ARROW:schema"}
    pl.read_parquet(path).with_columns(pl.col("c").dt.convert_time_zone("UTC")).write_parquet(path, metadata=entries)
    assert refusal(path).startswith("expected Datetime(time_unit='us', time_zone='Europe/Berlin') in \"c\", found ")


def test_wrong_bytes_anywhere_are_refused_or_change_nothing(path):
    NIGHT.save(path)
    content = path.read_bytes()
    expected = NIGHT.frame()
    rng = random.Random(11)
    refused = 0
    for _ in range(300):
        wrong = bytearray(content)
        for _ in range(rng.randint(1, 3)):
            wrong[rng.randrange(len(wrong))] ^= 1 << rng.randrange(8)
        path.write_bytes(wrong)
        try:
            found = sk.Membership.load(path)
        except sk.SnapshotError:
            refused += 1
        else:
            assert found.frame().equals(expected)
            assert found.meanings == NIGHT.meanings
    assert refused > 200


def test_nothing_is_read_but_the_file_of_that_name(tmp_path):
    NIGHT.save(tmp_path / "night[1].parquet")
    NIGHT.save(tmp_path / "night1.parquet")
    assert sk.Membership.load(tmp_path / "night[1].parquet").accounts == 3
    assert "No such file" in refusal(tmp_path / "night*.parquet")


def test_the_metadata_stay_when_a_file_is_copied_by_polars_only_where_they_are_asked_for(path):
    NIGHT.save(path)
    copy = io.BytesIO()
    pl.read_parquet(path).write_parquet(copy)
    path.write_bytes(copy.getvalue())
    assert "without the entry" in refusal(path)
