"""timm, whose import needs torchvision's first (see `torchvision_import`)."""

from tumorlens.lab.torchvision_import import import_torchvision

import_torchvision()

import timm  # noqa: E402

__all__ = ["timm"]
