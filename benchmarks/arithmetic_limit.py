"""How fast the cores can multiply and add, and how many of that a graph needs."""

import time
from pathlib import Path

import numpy as np
import onnx

SIDE = 2048  # of the square matrices


def products_a_second(repeats: int = 7) -> float:
    """Multiply-adds a second of a float32 matrix product on all cores, the best of a few."""
    import torch

    rng = np.random.default_rng(0)
    first, second = (rng.random((SIDE, SIDE), np.float32) for _ in range(2))
    tensors = torch.from_numpy(first), torch.from_numpy(second)
    best = 0.0
    for multiply in (lambda: first @ second, lambda: tensors[0] @ tensors[1]):
        multiply()
        for _ in range(repeats):
            began = time.perf_counter()
            multiply()
            best = max(best, SIDE**3 / (time.perf_counter() - began))
    return best


def products_of(graph: Path) -> int:
    """Multiply-adds of one picture in an ONNX graph's convolutions and linear layers."""
    model = onnx.load(graph)
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1
    inferred = onnx.shape_inference.infer_shapes(model, data_prop=True).graph
    shapes = {
        one.name: [size.dim_value for size in one.type.tensor_type.shape.dim]
        for one in [*inferred.value_info, *inferred.output, *inferred.input]
    }
    weights = {one.name: list(one.dims) for one in inferred.initializer}
    total = 0
    for node in inferred.node:
        if node.op_type == "Conv":
            total += int(np.prod(shapes[node.output[0]]) * np.prod(weights[node.input[1]][1:]))
        elif node.op_type == "Gemm":
            total += int(np.prod(weights[node.input[1]]))
    return total
