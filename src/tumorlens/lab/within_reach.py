"""Prepared pictures where a device reaches them at once."""

import numpy as np
import torch
from torch import Tensor

from tumorlens.lab.pictures import ByteArray

Bytes = ByteArray | Tensor
"""uint8 pictures, (pictures, size, size): an array in memory or on disk, or a tensor on a GPU."""

_MOST = 0.25  # of a GPU's free memory may hold pictures


def within_reach(pixels: ByteArray, device: torch.device) -> Bytes:
    """The same pictures on the device, if it is a GPU that has the room; else where they are."""
    if device.type != "cuda" or pixels.nbytes > _MOST * torch.cuda.mem_get_info(device)[0]:
        return pixels
    return torch.tensor(pixels, device=device)


def to_float(pixels: Bytes, indices: np.ndarray) -> Tensor:
    """Some of the pictures, (N, 1, size, size), float32, 0..1, where they lie."""
    if isinstance(pixels, Tensor):
        chosen = pixels[torch.from_numpy(indices).to(pixels.device)]
    else:
        chosen = torch.from_numpy(pixels[indices])
    return chosen.unsqueeze(1).float() / 255
