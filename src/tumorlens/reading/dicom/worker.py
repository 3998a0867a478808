"""The child process of `tumorlens.reading.dicom.apart`: decodes until its input ends."""

import json
import sys
import warnings
from io import BytesIO
from typing import IO

import numpy as np
from pydicom import dcmread
from pydicom.pixels import get_decoder

from tumorlens.reading.dicom.apart import receive, send


def serve(requests: IO[bytes], answers: IO[bytes]) -> None:
    """Answer each data set with a JSON description and the bytes of its values.

    Args:
        requests: DICOM files, as `tumorlens.reading.dicom.apart.send` frames them.
        answers: For each the description (``{}`` if it cannot be decoded), then the values.
    """
    while True:
        try:
            data = receive(requests)
        except EOFError:
            return
        meta, values = _decode(data)
        send(answers, json.dumps(meta).encode())
        send(answers, values)


def _decode(data: bytes) -> tuple[dict[str, object], bytes]:
    try:
        dataset = dcmread(BytesIO(data), force=True)
        decoder = get_decoder(dataset.file_meta.TransferSyntaxUID)
        stored, described = decoder.as_array(dataset, decoding_plugin="gdcm")
        stored = np.ascontiguousarray(stored)
    except Exception:  # a decoder may raise anything on damaged bytes
        return {}, b""
    meta = {
        "shape": stored.shape,
        "dtype": stored.dtype.str,
        "photometric_interpretation": str(described["photometric_interpretation"]),
        "samples_per_pixel": int(described["samples_per_pixel"]),
    }
    return meta, stored.tobytes()


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    serve(sys.stdin.buffer, sys.stdout.buffer)
