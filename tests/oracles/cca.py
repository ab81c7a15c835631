"""Linear CCA as its textbook's generalised eigenproblem."""

from __future__ import annotations

import numpy as np
from scipy.linalg import eigh


def correlations(x, y, ridge):
    """Canonical correlations of x [N, D_x] and y [N, D_y], standardised, in falling order: the positive roots of

    [ 0     C_xy ] [a]            [ C_xx + ridge I   0              ] [a]
    [ C_yx  0    ] [b]  = lambda  [ 0                C_yy + ridge I ] [b]
    """
    x, y = (x - x.mean(0)) / x.std(0), (y - y.mean(0)) / y.std(0)
    wide, high = x.shape[1], y.shape[1]
    crossed = x.T @ y / len(x)
    left = np.block([[np.zeros((wide, wide)), crossed], [crossed.T, np.zeros((high, high))]])
    right = np.zeros_like(left)
    right[:wide, :wide] = x.T @ x / len(x) + ridge * np.eye(wide)
    right[wide:, wide:] = y.T @ y / len(y) + ridge * np.eye(high)
    roots = eigh(left, right, eigvals_only=True)
    return roots[::-1][: min(wide, high)]


def window_cosines(query, candidates):
    """The mean cosine of query seconds with the candidate seconds below them, window after window."""
    found = []
    for start in range(len(candidates) - len(query) + 1):
        cosines = []
        for place, second in enumerate(query):
            other = candidates[start + place]
            cosines.append(second @ other / np.sqrt((second @ second) * (other @ other)))
        found.append(sum(cosines) / len(cosines))
    return np.array(found)
