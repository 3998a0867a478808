"""A network as an ONNX graph."""

import logging
import warnings
from collections.abc import Sequence
from typing import Any

import onnx
import torch
from torch import Tensor, nn

_OPSET = 18


def to_onnx(
    network: nn.Module,
    example: Tensor,
    *,
    input_name: str,
    output_names: Sequence[str],
    dynamic_shapes: Any = None,
) -> onnx.ModelProto:
    """Trace a network of one input.

    Args:
        network: In evaluation mode, on the CPU.
        example: An input.
        input_name: Of the graph's input.
        output_names: Of its outputs, in order.
        dynamic_shapes: Which axes may have any length, as `torch.onnx.export` takes them.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter warns of its own internals
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        program = torch.onnx.export(
            network,
            (example,),
            input_names=[input_name],
            output_names=list(output_names),
            opset_version=_OPSET,
            dynamic_shapes=dynamic_shapes,
            dynamo=True,
            verbose=False,
        )
    if program is None:
        raise RuntimeError("torch.onnx.export returned no program")
    graph: onnx.ModelProto = program.model_proto
    return graph
