"""A tiny network over slices, made without PyTorch."""

import hashlib
from pathlib import Path

import onnx
from onnx import TensorProto, helper

from tumorlens.slice_sequence import SEQUENCE_FILE, SequenceCard, SliceSequence, read_sequence


def sequence_graph(*, output: str = "head") -> bytes:
    """Each slice: its log-odds plus their mean; the head: the largest log-odds.

    The embeddings are counted in with the weight 0.
    """
    nodes = [
        helper.make_node("ReduceMean", ["log_odds"], ["mean"], keepdims=1),
        helper.make_node("Add", ["log_odds", "mean"], ["moved"]),
        helper.make_node("Sub", ["embeddings", "embeddings"], ["nothing"]),
        helper.make_node("ReduceMax", ["nothing"], ["zero"], keepdims=0),
        helper.make_node("Add", ["moved", "zero"], ["slices"]),
        helper.make_node("ReduceMax", ["log_odds"], [output], keepdims=1),
    ]
    float32 = TensorProto.FLOAT
    graph = helper.make_graph(
        nodes,
        "sequence",
        [
            helper.make_tensor_value_info("embeddings", float32, ["slices", "channels"]),
            helper.make_tensor_value_info("log_odds", float32, ["slices"]),
        ],
        [
            helper.make_tensor_value_info("slices", float32, ["slices"]),
            helper.make_tensor_value_info(output, float32, [1]),
        ],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(made)
    return bytes(made.SerializeToString())


def write_sequence(folder: Path, graph: bytes | None = None) -> SequenceCard:
    """Write ``sequence.onnx``; returns what the card says of it."""
    data = sequence_graph() if graph is None else graph
    (folder / SEQUENCE_FILE).write_bytes(data)
    return SequenceCard(hashlib.sha256(data).hexdigest(), 5.0)


def made_sequence(folder: Path) -> SliceSequence:
    return read_sequence(folder, write_sequence(folder))
