"""The Open Inference Protocol, version 2, over HTTP with JSON, as KServe and Triton speak it.

https://github.com/kserve/open-inference-protocol

The input is one tensor: scans as base64 (``BYTES``, one a file), or slices as numbers
(``[rows, columns]`` or ``[slices, rows, columns]``), each answered on its own.
"""

import asyncio
from functools import partial
from importlib.metadata import version
from math import prod
from typing import Any

import numpy as np
from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse

from tumorlens.card import Card
from tumorlens.reading.checks import check_shape, check_values
from tumorlens.scan import Scan
from tumorlens.serving.access import Served, check_key
from tumorlens.serving.contract import Responses, json_body
from tumorlens.serving.errors import NotFoundError
from tumorlens.serving.opening import Upload
from tumorlens.serving.payloads import bad_json, decode, receive_json
from tumorlens.serving.records import to_json
from tumorlens.serving.schemas import InferError, InferRequest, InferResponse, Tensor
from tumorlens.serving.service import Service, not_ready
from tumorlens.serving.settings import Settings

_ERRORS: Responses = {
    status: {"model": InferError, "description": "Why there is no answer."}
    for status in (400, 401, 404, 408, 413, 415, 422, 500, 503)
}
_KEYED = [Depends(check_key)]
_NUMBERS = {
    "UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64", "FP16", "FP32",
    "FP64",
}  # fmt: skip

_OUTPUTS = {
    "label": "BYTES",
    "probabilities": "FP32",
    "tumor_probability": "FP32",
    "accepted": "BOOL",
}

router = APIRouter(prefix="/v2", tags=["Open Inference Protocol"], responses=_ERRORS)


@router.get("", summary="The server")
async def server() -> dict[str, Any]:
    """Name and version of the server."""
    return {"name": "tumorlens", "version": version("tumorlens"), "extensions": []}


@router.get("/health/live", summary="Whether the process answers")
async def live() -> dict[str, bool]:
    """200 as long as the process answers at all."""
    return {"live": True}


@router.get("/health/ready", summary="Whether scans can be sent")
async def is_ready(service: Served) -> dict[str, bool]:
    """200 once the model is loaded, verified and has run; 503 before."""
    _check_ready(service)
    return {"live": True, "ready": True}


@router.get("/models/{name}/ready", summary="Whether scans can be sent", dependencies=_KEYED)
@router.get("/models/{name}/versions/{number}/ready", include_in_schema=False, dependencies=_KEYED)
async def model_is_ready(request: Request, service: Served, name: str) -> dict[str, str | bool]:
    """200 once the model is loaded, verified and has run; 503 before."""
    _check_name(service.model.card, name, request)
    _check_ready(service)
    return {"name": name, "ready": True}


@router.get("/models/{name}", summary="The model's inputs and outputs", dependencies=_KEYED)
@router.get("/models/{name}/versions/{number}", include_in_schema=False, dependencies=_KEYED)
async def metadata(request: Request, service: Served, name: str) -> dict[str, Any]:
    """The model's tensors."""
    card = service.model.card
    _check_name(card, name, request)
    return {
        "name": card.name,
        "versions": [card.version],
        "platform": "tumorlens_onnx",
        "inputs": [{"name": "scan", "datatype": "BYTES", "shape": [-1]}],
        "outputs": [
            {"name": output, "datatype": datatype, "shape": [-1, *_inner(output, card)]}
            for output, datatype in _OUTPUTS.items()
        ],
        "parameters": {"classes": list(card.classes)},
    }


@router.post(
    "/models/{name}/infer",
    response_model=InferResponse,
    openapi_extra=json_body(InferRequest),
    dependencies=_KEYED,
    summary="Answer scans or slices",
)
@router.post("/models/{name}/versions/{number}/infer", include_in_schema=False, dependencies=_KEYED)
async def infer(request: Request, service: Served, name: str) -> Response:
    """Answer every scan of the tensor; one that is refused refuses the request."""
    card = service.model.card
    _check_name(card, name, request)
    asked = await receive_json(request, service, InferRequest)
    wanted = _wanted(asked)
    scans = await service.work(partial(_scans, asked, service.settings))
    answers = await asyncio.gather(*(_answer(service, scan) for scan in scans))
    outputs = [_tensor(output, answers, card) for output in wanted]
    named = {"model_name": card.name, "model_version": card.version}
    told = {} if asked.id is None else {"id": asked.id}
    return JSONResponse(told | named | {"outputs": outputs})


def _wanted(asked: InferRequest) -> list[str]:
    """The outputs that are asked for, each once; all of them where none is named."""
    if not asked.outputs:
        return list(_OUTPUTS)
    names = list(dict.fromkeys(one.name for one in asked.outputs))
    for name in names:
        if name not in _OUTPUTS:
            raise bad_json("InferRequest", f"the output {name[:100]}; {', '.join(_OUTPUTS)} exist")
    return names


async def _answer(service: Service, scan: Upload | Scan) -> dict[str, Any]:
    return await service.answer(scan, to_json)


def _scans(asked: InferRequest, settings: Settings) -> list[Upload] | list[Scan]:
    """What the request's one tensor holds."""
    if len(asked.inputs) != 1:
        raise bad_json("InferRequest", f"{len(asked.inputs)} tensors where one is wanted")
    tensor = asked.inputs[0]
    if tensor.datatype == "BYTES":
        _check_count(len(tensor.data), settings)
        if prod(tensor.shape) != len(tensor.data):
            raise bad_json("InferRequest", f"{len(tensor.data)} texts in the shape {tensor.shape}")
        if not all(isinstance(text, str) for text in tensor.data):
            raise bad_json("InferRequest", "BYTES that are no texts in base64")
        return [Upload(f"{tensor.name[:200]}[{i}]", decode(t)) for i, t in enumerate(tensor.data)]
    if tensor.datatype in _NUMBERS:
        return _slices(tensor, settings)
    raise bad_json("InferRequest", f"the datatype {tensor.datatype[:20]}")


def _slices(tensor: Tensor, settings: Settings) -> list[Scan]:
    shape = [1] * (3 - len(tensor.shape)) + tensor.shape
    if len(shape) != 3:
        raise bad_json("InferRequest", f"a tensor of {len(shape)} axes where 2 or 3 are wanted")
    check_shape(shape[1:], source=tensor.name, limits=settings.limits)
    _check_count(shape[0], settings)
    try:
        with np.errstate(over="ignore"):
            pixels = np.array(tensor.data, np.float64).astype(np.float32).reshape(shape)
    except (ValueError, TypeError, OverflowError) as error:
        raise bad_json("InferRequest", "data that are no numbers of that shape") from error
    for one in pixels:
        check_values(one, source=tensor.name)
    return [Scan(one, f"{tensor.name[:200]}[{index}]") for index, one in enumerate(pixels)]


def _check_count(count: int, settings: Settings) -> None:
    if not 0 < count <= settings.max_files:
        raise bad_json("InferRequest", f"{count} scans, where 1 to {settings.max_files} are taken")


def _check_name(card: Card, name: str, request: Request) -> None:
    """Whether the model is ours, and the version, where the path names one."""
    if name != card.name or request.path_params.get("number", card.version) != card.version:
        raise NotFoundError(
            expected=f"the model {card.name} in version {card.version}",
            found="another one",
            remedy="Ask /v1/model for the model that is served.",
        )


def _check_ready(service: Service) -> None:
    if not service.is_ready:
        raise not_ready()


def _inner(output: str, card: Card) -> list[int]:
    """The shape of one scan's part of an output."""
    return [len(card.classes)] if output == "probabilities" else []


def _tensor(output: str, answers: list[dict[str, Any]], card: Card) -> dict[str, Any]:
    if output == "probabilities":
        data = [one[output][label] for one in answers for label in card.classes]
    else:
        data = [one[output] for one in answers]
    shape = [len(answers), *_inner(output, card)]
    return {"name": output, "datatype": _OUTPUTS[output], "shape": shape, "data": data}
