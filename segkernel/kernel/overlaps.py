"""How many accounts packed sets have in common, two by two."""

from __future__ import annotations

from segkernel.kernel.compilation import entry
from segkernel.kernel.lanes import ones


@entry("void(uint64[:, ::1], int64[:, ::1])")
def count_pairs(words, common):
    """Add to `common` int64[sets, sets], on and above its diagonal, how many bits each two rows of `words` uint64[sets, words] share."""
    for first in range(words.shape[0]):
        left = words[first]
        for second in range(first, words.shape[0]):
            right = words[second]
            count = 0
            for place in range(left.size):
                count += ones(left[place] & right[place])
            common[first, second] += count
