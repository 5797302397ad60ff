"""A worker for almbench, to copy and change: mu-law with 256 levels (as in ITU-T G.711, but even).

It runs under any Python that has numpy and uses nothing of almbench. It talks by lines of JSON:
first comes a greeting, then one request per clip; each is answered by one line. It ends with its
input.
"""

import json
import os
import struct
import sys
import time
import traceback
from typing import Any

import numpy as np


class MuLaw:
    """The codec. Replace it by yours."""

    def __init__(self, device: str, levels: int = 256) -> None:
        """Load the model; `levels` is a setting that the suite may give."""
        del device
        self.mu = levels - 1

    def encode(self, sound: Any) -> Any:
        """Encode a sound `[T]` to integer codes `[K, T']`, here K = 1 and T' = T."""
        loud = np.sign(sound) * np.log1p(self.mu * np.abs(sound)) / np.log1p(self.mu)
        return np.rint((np.clip(loud, -1, 1) + 1) / 2 * self.mu).astype(np.int64)[None]

    def decode(self, codes: Any) -> Any:
        """Decode codes `[K, T']` to a sound `[T]`."""
        loud = 2 * codes[0] / self.mu - 1
        return np.sign(loud) * np.expm1(np.abs(loud) * np.log1p(self.mu)) / self.mu


def read_wav(path: str) -> Any:
    """Read a mono WAV file of 32-bit floats, as almbench writes it."""
    with open(path, "rb") as file:  # noqa: PTH123
        content = file.read()
    place = 12  # after "RIFF", the size and "WAVE" come chunks: a name, a size, the content
    while content[place : place + 4] != b"data":
        place += 8 + struct.unpack_from("<I", content, place + 4)[0]
    count = struct.unpack_from("<I", content, place + 4)[0] // 4
    return np.frombuffer(content, "<f4", count, place + 8).astype(np.float64)


def write_wav(path: str, sound: Any, rate: int) -> None:
    """Write a mono WAV file of 32-bit floats."""
    data = np.asarray(sound, "<f4").tobytes()
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 3, 1, rate, 4 * rate, 4, 32)
    head = struct.pack("<4sI4s", b"RIFF", 4 + len(form) + 8 + len(data), b"WAVE")
    with open(path, "wb") as file:  # noqa: PTH123
        file.write(head + form + struct.pack("<4sI", b"data", len(data)) + data)


def work(codec: MuLaw, request: dict[str, str], rate: int) -> dict[str, Any]:
    """Send one clip through the codec."""
    sound = read_wav(request["wav"])
    start = time.perf_counter()
    codes = codec.encode(sound)
    middle = time.perf_counter()
    decoded = codec.decode(codes)
    end = time.perf_counter()
    np.save(request["codes"], codes)
    write_wav(request["decoded"], decoded, rate)
    return {"encode_s": middle - start, "decode_s": end - middle}


def main() -> None:
    """Answer until there is no more input."""
    # What libraries print must not mix with the answers: it goes where errors go, to the log.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    greeting = json.loads(sys.stdin.readline())
    try:
        codec = MuLaw(greeting["device"], **greeting["settings"])
    except Exception as error:
        answers.write(json.dumps({"error": f"{type(error).__name__}: {error}"}) + "\n")
        return
    answers.write(json.dumps({"ready": True}) + "\n")
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = work(codec, request, greeting["sample_rate"])
        except Exception as error:
            traceback.print_exc()
            answer = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps({"id": request["id"], **answer}) + "\n")


if __name__ == "__main__":
    main()
