"""Lasting random shares of keys: control groups and experiments."""

from __future__ import annotations

import hashlib

import numpy as np

from segdsl.typesystem import WHOLE
from segkernel.data.columns import Column, aligned
from segkernel.data.lexicon import Lexicon


def bucketed(column: Column, count: int, salt: str) -> Column:
    """The bucket, 0 to count - 1, of each row of a column of texts or whole numbers; each distinct key is hashed once.

    A key's bucket is SHA-256 of salt, NUL and the key as text, its first 8 bytes as a number, big-endian, modulo `count`.
    """
    codes, places = np.unique(column.codes[: column.rows], return_inverse=True)
    start = hashlib.sha256(salt.encode() + b"\0")
    found = np.zeros(codes.size, np.uint32)
    known = np.flatnonzero(codes)
    values = column.values
    keys = (
        values.at(codes[known].astype(np.int64) - 1).to_list() if isinstance(values, Lexicon) else map(column.value, codes[known].tolist())
    )
    for number, key in zip(known.tolist(), keys, strict=True):
        hashed = start.copy()
        hashed.update(str(key).encode())
        found[number] = 1 + int.from_bytes(hashed.digest()[:8], "big") % count
    buckets = aligned(column.rows, np.uint8 if count < 255 else np.uint32)
    buckets[:] = found[places]
    return Column(type=WHOLE, rows=column.rows, codes=buckets, top=count, missing=column.missing)
