"""Cross matching (eq. 19): a query slides over candidates of the other modality.

The query's cross features are averaged over their channels, so a query is one number per second, q_0 .. q_{L-1}, and
eq. 19 multiplies each candidate second's features by one number too: its factor. That number is all there is to work
out, and no feature is multiplied in a loop over windows.
"""

from __future__ import annotations

import torch
from torch import Tensor


def query_factors(
    values: Tensor, query_mask: Tensor, seconds: int, mask: Tensor | None = None, matching: str = "windowed"
) -> Tensor:
    """The factor of each candidate second [B, T].

    Window k (0 .. T - L) lays query second j over candidate second k + j. So over a candidate second t lie the query
    seconds j with 0 <= t - j <= T - L, one for each window that covers t.

    Args:
        values: Query values [B, S], the channel means of the query's cross features.
        query_mask: [B, S], True at the L seconds that are the query (L may differ from clip to clip).
        seconds: T.
        mask: [B, T], True where a candidate second is real; None if all are.
        matching: "windowed" gives the mean of the query values that lie over a second: each window has products of its
            own, as the paper writes it, and a second's score is the mean over the windows that cover it. "cumulative"
            gives their product: the released code multiplies in place, window after window.

    Example:
        >>> values, query = torch.tensor([[2.0, 3.0]]), torch.tensor([[True, True]])
        >>> query_factors(values, query, 3).tolist()
        [[2.0, 2.5, 3.0]]
        >>> query_factors(values, query, 3, matching="cumulative").tolist()
        [[2.0, 6.0, 3.0]]
    """
    lengths = query_mask.sum(1)  # [B]
    longest = int(lengths.max())
    # A stable sort brings the query's seconds to the front, in order.
    first = query_mask.int().argsort(dim=1, descending=True, stable=True)[:, :longest]
    queries = values.gather(1, first)  # [B, L]
    second = torch.arange(seconds, device=values.device)
    place = torch.arange(longest, device=values.device)
    ends = (seconds if mask is None else mask.sum(1)) - lengths  # [B], T - L of each clip
    window = second[:, None] - place  # [T, L], the window that lays place j over second t
    over = (window >= 0) & (window <= ends[:, None, None]) & (place < lengths[:, None, None])  # [B, T, L]
    laid = queries[:, None].expand(-1, seconds, -1)
    if matching == "cumulative":
        return torch.where(over, laid, 1.0).prod(-1)
    return torch.where(over, laid, 0.0).sum(-1) / over.sum(-1).clamp(min=1)
