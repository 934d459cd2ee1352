"""Distances on the globe. Lengths are in rows."""

from __future__ import annotations

import math

from segkernel.kernel.compilation import part
from segkernel.kernel.lanes import load_float, store_float

NAN, INFINITY = math.nan, math.inf
DEGREE = math.pi / 180.0
DIAMETER = 2.0 * 6371.0088
"""Of a globe with the mean radius of the earth (IUGG), in kilometres."""


@part
def great_circle(lat, lon, lat0, lon0):
    """Kilometres between two places given in degrees, by the haversine formula; NaN where one is none.

    The C library's functions in a fixed order, row by row: the same digits as any other program that does so.
    """
    if not (-90.0 <= lat <= 90.0 and -90.0 <= lat0 <= 90.0 and abs(lon0 - lon) < INFINITY):
        return NAN
    here, there = lat * DEGREE, lat0 * DEGREE
    north = math.sin((there - here) / 2.0)
    east = math.sin((lon0 - lon) * DEGREE / 2.0)
    haversine = north * north + math.cos(here) * math.cos(there) * (east * east)
    return DIAMETER * math.asin(math.sqrt(min(haversine, 1.0)))


@part
def distance(target, lat, lon, lat0, lon0, rows):
    for i in range(rows):
        row = i * 8
        store_float(
            target + row, great_circle(load_float(lat + row), load_float(lon + row), load_float(lat0 + row), load_float(lon0 + row))
        )
