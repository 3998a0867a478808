"""A recurrent network over the slices of one head, on top of a finished classifier.

S. Hochreiter and J. Schmidhuber, "Long Short-Term Memory", Neural Computation 9, 1997, read in
both directions (A. Graves and J. Schmidhuber, Neural Networks 18, 2005). It corrects what the
classifier says of each slice by what its neighbours show, and never by more than `MOST`: a tumor
of a kind that no head of its training had is not argued away. The answer for the whole head is
the soft maximum (log-sum-exp) of its slices' answers.
"""

import torch
import torch.nn.functional as F  # noqa: N812  (PyTorch's own custom)
from torch import Tensor, nn

MOST = 4.0
"""Largest correction of a slice's log-odds."""


class SliceSequenceNetwork(nn.Module):
    """Embeddings of a head's slices in, the slices' and the head's log-odds of a tumor out."""

    def __init__(
        self, channels: int, *, width: int = 48, hidden: int = 32, dropout: float = 0.4
    ) -> None:
        """Build the layers; untrained, the network repeats the classifier's answers.

        Args:
            channels: Of the classifier's embedding.
            width: Of the embedding within.
            hidden: Of the LSTM, each way.
            dropout: Of the embedding within and of the LSTM's output, in [0, 1).
        """
        super().__init__()
        self.norm = nn.LayerNorm(channels)
        self.inner = nn.Linear(channels, width)
        self.dropout = nn.Dropout(dropout)
        self.lstm = nn.LSTM(width + 1, hidden, bidirectional=True)
        self.correction = nn.Linear(2 * hidden, 1)
        nn.init.zeros_(self.correction.weight)
        nn.init.zeros_(self.correction.bias)
        self.trust = nn.Parameter(torch.ones(1))
        self.sharpness = nn.Parameter(torch.ones(1))
        self.head_offset = nn.Parameter(torch.zeros(1))
        self.slice_line: Tensor
        self.head_line: Tensor
        self.register_buffer("slice_line", torch.tensor([1.0, 0.0]))
        self.register_buffer("head_line", torch.tensor([1.0, 0.0]))

    def forward(self, embeddings: Tensor, log_odds: Tensor) -> tuple[Tensor, Tensor]:
        """Judge the slices of one head, or of a stretch of it.

        Args:
            embeddings: float32, (slices, channels), of neighbouring slices in order.
            log_odds: float32, (slices,): the classifier's of a tumor.

        Returns:
            Log-odds of a tumor: (slices,), and (1,) for all of them together; each mapped by
            the line (slope, offset) that `calibrate` has set.
        """
        inner = self.dropout(F.relu(self.inner(self.norm(embeddings))))
        states, _ = self.lstm(torch.cat([inner, log_odds[:, None] / MOST], dim=1))
        moved = self.correction(self.dropout(states))[:, 0]
        slices = self.trust * log_odds + MOST * torch.tanh(moved / MOST)
        sharpness = F.softplus(self.sharpness)
        pooled = torch.logsumexp(slices * sharpness, dim=0, keepdim=True) / sharpness
        head = pooled + self.head_offset
        return (
            slices * self.slice_line[0] + self.slice_line[1],
            head * self.head_line[0] + self.head_line[1],
        )

    def calibrate(self, slices: tuple[float, float], head: tuple[float, float]) -> None:
        """Set the lines (slope, offset) that the log-odds are mapped by (Platt scaling)."""
        self.slice_line.copy_(torch.tensor(slices))
        self.head_line.copy_(torch.tensor(head))
