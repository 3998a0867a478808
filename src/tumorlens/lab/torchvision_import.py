"""Import torchvision, also beside a PyTorch that its wheel was not built for.

A torchvision wheel built for CUDA expects operators that a CPU build of PyTorch does not load,
and fails with ``operator torchvision::nms does not exist``. timm and others import it, though
they never call those operators. Declaring their schemas is then enough. On a healthy install
nothing is done.
"""

import importlib
import sys
from types import ModuleType

import torch

_SYMPTOM = "operator torchvision::nms does not exist"
_SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
_declared: list[torch.library.Library] = []


def import_torchvision() -> ModuleType:
    """torchvision, whole, or with its compiled operators missing.

    Raises:
        ImportError: torchvision is absent or broken in another way.
        RuntimeError: Its import fails for another reason than the one above.
    """
    try:
        return importlib.import_module("torchvision")
    except RuntimeError as error:
        if _SYMPTOM not in str(error):
            raise
    for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
        del sys.modules[name]
    library = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
    for schema in _SCHEMAS:
        library.define(schema)  # type: ignore[no-untyped-call]
    _declared.append(library)  # the schemas live as long as their library
    return importlib.import_module("torchvision")
