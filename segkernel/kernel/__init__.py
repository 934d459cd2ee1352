"""Numba, nothing else: arrays in, bitmaps and numbers out."""
