"""Our own small network: four stages of convolution, batch norm, ReLU, pooling and dropout.

After the plan of VGG (K. Simonyan and A. Zisserman, 2015, arXiv:1409.1556) with batch norm
(S. Ioffe and C. Szegedy, 2015, arXiv:1502.03167): 1.2 million weights, stride 16, so that its
heatmaps are 14 x 14 at 224 pixels.
"""

from torch import nn

from tumorlens.lab.networks.classifier import Backbone

_WIDTHS = (32, 64, 128, 256)
_STAGE_DROPOUT = 0.05


def build() -> Backbone:
    """The untrained backbone; one channel in, 256 out."""
    before = (1, *_WIDTHS[:-1])
    stages = tuple(_stage(i, o) for i, o in zip(before, _WIDTHS, strict=True))
    levels = tuple(enumerate(_WIDTHS))  # strides 2, 4, 8, 16
    return Backbone(nn.Sequential(*stages), _WIDTHS[-1], stages, 0.5, 0.5, levels)


def _stage(channels_in: int, channels_out: int) -> nn.Sequential:
    """Two convolutions, then half the resolution."""
    return nn.Sequential(
        *_convolution(channels_in, channels_out),
        *_convolution(channels_out, channels_out),
        nn.MaxPool2d(2),
        nn.Dropout2d(_STAGE_DROPOUT),
    )


def _convolution(channels_in: int, channels_out: int) -> tuple[nn.Module, ...]:
    return (
        nn.Conv2d(channels_in, channels_out, 3, padding=1, bias=False),
        nn.BatchNorm2d(channels_out),
        nn.ReLU(inplace=True),
    )
