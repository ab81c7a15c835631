"""Cross-modality co-attention with a sentinel (Xuan et al. 2020), the heart of CMAN and a row of Table IV."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from dmin.layers.attention import Attended
from dmin.layers.inter_modality import INTER_MODALITY
from dmin.layers.numeric import widened


class CrossModalityCoAttention(nn.Module):
    """CMCA: an LSTM over one modality asks the other one, and may turn to its own sentinel instead.

    With (h_t, m_t) the LSTM's hidden and cell state, s_t = sigmoid(W_x x_t + W_h h_{t-1}) * tanh(m_t),
    z_t[i] = w . tanh(W_a A_i + W_g h_t) for each second i of the other modality A, z° = w . tanh(W_s s_t + W_g h_t),
    beta_t = the last entry of softmax([z_t; z°]), c_t = sum of softmax(z_t)_i A_i, and the answer is
    h_t + beta_t s_t + (1 - beta_t) c_t.

    What is known comes from second-hand notes, which show the sentinel and z° as pictures only: their forms here are
    those of the visual sentinel that it builds on (a reading).

    Args:
        size: Channels of x.
        other_size: Channels of A, which the answer has too.

    Example:
        >>> CrossModalityCoAttention(8, 8)(None, torch.zeros(3, 5, 8), torch.zeros(3, 4, 8)).values.shape
        torch.Size([3, 5, 8])
    """

    takes_own = False

    def __init__(self, size: int, other_size: int) -> None:
        super().__init__()
        self.cell = nn.LSTMCell(size, other_size)
        self.gate = nn.Linear(size + other_size, other_size)
        self.other = nn.Linear(other_size, other_size, bias=False)
        self.state = nn.Linear(other_size, other_size, bias=False)
        self.sentinel = nn.Linear(other_size, other_size, bias=False)
        self.score = nn.Linear(other_size, 1, bias=False)

    def forward(
        self,
        own: Tensor | None,
        encoded: Tensor,
        other: Tensor,
        mask: Tensor | None = None,
        other_mask: Tensor | None = None,
        return_weights: bool = False,
    ) -> Attended:
        """Ask.

        Args:
            own: Not looked at.
            encoded: x, the sequence that asks, [B, T, d].
            other: A, [B, S, d].
            mask: Not needed: the LSTM runs forward, and padding comes last.
            other_mask: [B, S], True where a second of A is real.
            return_weights: There is no map over both modalities, so none is given.
        """
        hidden, sentinel = self._run(encoded)
        asked = self.state(hidden)  # [B, T, d]
        joint = (self.other(other)[:, None] + asked[:, :, None]).tanh()  # [B, T, S, d]
        scores = self.score(joint).squeeze(-1)  # [B, T, S]
        if other_mask is not None:
            scores = scores.masked_fill(~other_mask[:, None], -torch.inf)
        own_score = self.score((self.sentinel(sentinel) + asked).tanh())  # [B, T, 1]
        # Beside the sentinel a second has (1 - beta) times its share without it, so one softmax gives both.
        shares = widened(torch.cat([scores, own_score], -1)).softmax(-1).to(hidden.dtype)
        return Attended(hidden + shares[..., :-1] @ other + shares[..., -1:] * sentinel, None)

    def _run(self, sequence: Tensor) -> tuple[Tensor, Tensor]:
        """Hidden states and sentinels, [B, T, d] each; sentinels need all cell states, hence the loop."""
        start = sequence.new_zeros(len(sequence), self.cell.hidden_size)
        state, states, memories = (start, start), [start], []
        for step in sequence.unbind(1):
            state = self.cell(step, state)
            states.append(state[0])
            memories.append(state[1])
        hidden = torch.stack(states, 1)  # [B, 1 + T, d]: h_0 first
        gate = widened(self.gate(torch.cat([sequence, hidden[:, :-1]], -1))).sigmoid().to(hidden.dtype)
        return hidden[:, 1:], gate * torch.stack(memories, 1).tanh()


INTER_MODALITY.add("cmca", lambda width, config: CrossModalityCoAttention(width, width))
