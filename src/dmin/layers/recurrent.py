"""LSTMs over clips of unequal length: padding never reaches a real second."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from dmin.errors import ModelError


@dataclass(frozen=True)
class States:
    """Output of an LSTM."""

    hidden: Tensor
    """Hidden states of every second [B, T, directions * h], 0 at padded seconds."""
    last_hidden: Tensor
    """The hidden state after each clip's last real second, [layers * directions, B, h]."""
    last_cell: Tensor
    """The cell state there, of the same shape."""


def run_lstm(
    lstm: nn.LSTM, sequence: Tensor, mask: Tensor | None = None, start: tuple[Tensor, Tensor] | None = None
) -> States:
    """Run a (Bi-)LSTM that is ``batch_first``.

    Args:
        lstm: The LSTM.
        sequence: [B, T, n].
        mask: [B, T], True where a second is real; padding comes last. None if all are.
        start: Hidden and cell state to start from, [layers * directions, B, h] each; zeros if None.

    Example:
        >>> run_lstm(nn.LSTM(4, 3, batch_first=True, bidirectional=True), torch.zeros(2, 5, 4)).hidden.shape
        torch.Size([2, 5, 6])
    """
    device = sequence.device.type
    if torch.is_autocast_enabled(device):  # torch's LSTM on a CPU takes no other type then
        lower = torch.get_autocast_dtype(device)
        sequence = sequence.to(lower)
        start = None if start is None else (start[0].to(lower), start[1].to(lower))
    if mask is None:
        hidden, (last_hidden, last_cell) = lstm(sequence, start)
        return States(hidden, last_hidden, last_cell)
    packed = pack_padded_sequence(sequence, mask.sum(1).cpu(), batch_first=True, enforce_sorted=False)
    states, (last_hidden, last_cell) = lstm(packed, start)
    hidden = pad_packed_sequence(states, batch_first=True, total_length=sequence.shape[1])[0]
    return States(hidden, last_hidden, last_cell)


def bi_lstm(size: int, width: int) -> nn.LSTM:
    """A one-layer Bi-LSTM from [B, T, size] to [B, T, width], half of the width in each direction.

    Raises:
        ModelError: The width is odd.
    """
    if width % 2:
        raise ModelError(f"width is {width}: must be even, half of a Bi-LSTM's states run in each direction")
    return nn.LSTM(size, width // 2, batch_first=True, bidirectional=True)
