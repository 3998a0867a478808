"""Several trained models as one model folder, which predicts and explains like any other.

Every model ends with pooling and one linear layer, and so does the whole: its feature maps are
the members' side by side (on the finest member's grid), its linear layer theirs one after another.
The whole takes pictures of the largest member's size, and smaller members shrink them for
themselves, so that a scan is prepared once. They do so by cubic interpolation with averaging: the
preparation has smoothed the scan once already, and a sharper kernel comes nearer to what the member
would have been shown.
The mixing of the members' logits (`tumorlens.lab.mixing`) is one matrix, laid over their linear
layers, so the heatmap of the whole is the mixture of the members'.
"""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, compose, helper, numpy_helper

from tumorlens.card import Card, write_card
from tumorlens.errors import ConfigError
from tumorlens.lab.mixing import Mixing
from tumorlens.model import GRAPH_FILE, OUTLINE, OUTPUTS, WEIGHT_KEY, Model, load_model
from tumorlens.preparation import Preparation
from tumorlens.scan import FloatArray

LOGITS, EMBEDDING, FEATURES = OUTPUTS


def merge_models(folders: Sequence[Path], mixing: Mixing, card: Card, output: Path) -> Model:
    """Write one model folder that answers as the mixture of several.

    Args:
        folders: The members' model folders.
        mixing: From `tumorlens.lab.mixing`.
        card: Of the whole, complete but for the graph's hash; the size of its pictures is at
            least the members' (see `joined_preparation`).
        output: Made if absent; an older model in it is replaced.

    Raises:
        ConfigError: The members do not fit together.
        ModelError: A member cannot be loaded.
    """
    members = [load_model(folder, gated=False) for folder in folders]
    check_alike(members)
    graphs = [onnx.load(folder / GRAPH_FILE) for folder in folders]
    merged = _merge(members, graphs, mixing, card.preparation.size)
    weights = _class_weights(members, mixing)
    packed = base64.b64encode(weights.astype("<f4").tobytes()).decode()
    helper.set_model_props(merged, {WEIGHT_KEY: packed})
    onnx.checker.check_model(merged)
    data = merged.SerializeToString()
    output.mkdir(parents=True, exist_ok=True)
    (output / GRAPH_FILE).write_bytes(data)
    write_card(output, replace(card, sha256=hashlib.sha256(data).hexdigest()))
    return load_model(output)


def check_alike(members: Sequence[Model], *, same_size: bool = False) -> None:
    """Members must be shown scans alike and name the same classes in the same order.

    Args:
        members: At least one.
        same_size: Whether the size of their pictures must be the same too.

    Raises:
        ConfigError: They are not.
    """
    first = members[0].card
    for member in members[1:]:
        card = member.card
        preparation = card.preparation
        if not same_size:
            preparation = replace(preparation, size=first.preparation.size)
        parts = {
            "classes": (first.classes, card.classes),
            "preparation": (first.preparation, preparation),
        }
        for part, (ours, theirs) in parts.items():
            if ours != theirs:
                raise ConfigError(
                    expected=f"members of the same {part}, those of {first.name}: {ours}",
                    found=f"{card.name}: {getattr(card, part)}",
                    remedy="Train them with the same [preparation] on the same classes.",
                    source=part,
                )


def joined_preparation(cards: Sequence[Card]) -> Preparation:
    """How scans are prepared for the whole: as for its members, at the largest one's size."""
    return replace(cards[0].preparation, size=max(card.preparation.size for card in cards))


def _class_weights(members: Sequence[Model], mixing: Mixing) -> FloatArray:
    """(classes, channels of all members): the mixing laid over the members' linear layers."""
    blocks = np.split(mixing.matrix, len(members), axis=1)
    parts = [
        block @ (member.class_weights / member.card.temperature)
        for block, member in zip(blocks, members, strict=True)
    ]
    return np.asarray(np.concatenate(parts, axis=1), np.float32)


def _merge(
    members: Sequence[Model], graphs: Sequence[onnx.ModelProto], mixing: Mixing, size: int
) -> onnx.ModelProto:
    """One graph: the members' side by side on the same pictures, then the mixing."""
    sides = [_sides(member) for member in members]
    grid, fine = (max(side) for side in zip(*sides, strict=True))
    whole = onnx.GraphProto(name="ensemble")
    found: dict[str, list[str]] = {name: [] for name in (*OUTPUTS, OUTLINE)}
    shares = []
    for number, (member, graph) in enumerate(zip(members, graphs, strict=True)):
        prefix = f"member{number}/"
        own = compose.add_prefix(graph, prefix).graph
        shown = _shown(whole, member.card.preparation.size, size)
        entry = helper.make_node("Identity", [shown], [own.input[0].name])
        whole.node.extend([entry, *own.node])
        whole.initializer.extend(own.initializer)
        _scale(whole, prefix, 1 / member.card.temperature)
        found[LOGITS].append(f"{prefix}calibrated")
        found[EMBEDDING].append(f"{prefix}{EMBEDDING}")
        found[FEATURES].append(_resized(whole, f"{prefix}{FEATURES}", grid))
        if member.outlines:
            found[OUTLINE].append(_resized(whole, f"{prefix}{OUTLINE}", fine))
            shares.append(mixing.shares[number] if mixing.shares else 1.0)
    _join(whole, found, mixing)
    channels = sum(member.class_weights.shape[1] for member in members)
    _declare(whole, LOGITS, [len(mixing.bias)])
    _declare(whole, EMBEDDING, [channels])
    _declare(whole, FEATURES, [channels, grid, grid])
    if sum(shares) > 0:
        _mean_outline(whole, found[OUTLINE], shares)
        _declare(whole, OUTLINE, [1, fine, fine])
    whole.input.append(_tensor("pictures", [1, size, size]))
    opsets = {(one.domain, one.version) for graph in graphs for one in graph.opset_import}
    imports = [helper.make_opsetid(domain, version) for domain, version in sorted(opsets)]
    return helper.make_model(
        whole, opset_imports=imports, ir_version=max(graph.ir_version for graph in graphs)
    )


def _sides(member: Model) -> tuple[int, int]:
    """Sides of a member's last feature maps and of its outline (0 without one)."""
    size = member.card.preparation.size
    outputs = member.run(np.zeros((1, 1, size, size), np.float32))
    outline = 0 if outputs.outline is None else outputs.outline.shape[-1]
    return outputs.features.shape[-1], outline


def _constant(graph: onnx.GraphProto, name: str, values: np.ndarray) -> str:
    graph.initializer.append(numpy_helper.from_array(values, name))
    return name


def _scale(graph: onnx.GraphProto, prefix: str, factor: float) -> None:
    """Calibrate a member's logits."""
    by = _constant(graph, f"{prefix}inverse_temperature", np.array(factor, np.float32))
    graph.node.append(helper.make_node("Mul", [f"{prefix}{LOGITS}", by], [f"{prefix}calibrated"]))


def _shown(graph: onnx.GraphProto, own: int, size: int) -> str:
    """The whole's pictures at a member's size, shrunk once for all members of that size."""
    name = f"pictures/{own}/shown"
    if own == size:
        return "pictures"
    if not any(name in node.output for node in graph.node):
        shrunk = _resized(graph, "pictures", own, mode="cubic", antialias=1, cubic_coeff_a=-0.5)
        ends = [_constant(graph, f"{name}/{end}", np.array(end, np.float32)) for end in (0, 1)]
        graph.node.append(helper.make_node("Clip", [shrunk, *ends], [name]))
    return name


def _resized(
    graph: onnx.GraphProto, name: str, side: int, *, mode: str = "linear", **options: float
) -> str:
    """Maps brought to ``side`` x ``side``; options as those of ONNX's Resize."""
    output = f"{name}/{side}"
    place = _constant(graph, f"{output}/side", np.array([side, side], np.int64))
    node = helper.make_node(
        "Resize",
        [name, "", "", place],
        [output],
        mode=mode,
        coordinate_transformation_mode="half_pixel",
        axes=[2, 3],
        **options,
    )
    graph.node.append(node)
    return output


def _join(graph: onnx.GraphProto, found: dict[str, list[str]], mixing: Mixing) -> None:
    matrix = _constant(graph, "mixing/matrix", mixing.matrix)
    bias = _constant(graph, "mixing/bias", mixing.bias)
    graph.node.extend(
        [
            helper.make_node("Concat", found[LOGITS], ["mixing/logits"], axis=1),
            helper.make_node("Gemm", ["mixing/logits", matrix, bias], [LOGITS], transB=1),
            helper.make_node("Concat", found[EMBEDDING], [EMBEDDING], axis=1),
            helper.make_node("Concat", found[FEATURES], [FEATURES], axis=1),
        ]
    )


def _mean_outline(graph: onnx.GraphProto, outlines: Sequence[str], shares: Sequence[float]) -> None:
    """The weighted mean of the outlines' logits, over the members that outline."""
    weighted = []
    for outline, share in zip(outlines, shares, strict=True):
        by = _constant(graph, f"{outline}/share", np.array(share / sum(shares), np.float32))
        weighted.append(f"{outline}/weighted")
        graph.node.append(helper.make_node("Mul", [outline, by], [weighted[-1]]))
    graph.node.append(helper.make_node("Sum", weighted, [OUTLINE]))


def _declare(graph: onnx.GraphProto, name: str, shape: Sequence[int]) -> None:
    graph.output.append(_tensor(name, shape))


def _tensor(name: str, shape: Sequence[int]) -> onnx.ValueInfoProto:
    """One value for any number of pictures."""
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["pictures_count", *shape])
