"""Decodes clips of Codec2, as a program: the mode as argument, frames in, 16-bit samples out.

Codec2's decoder draws the phases of unvoiced sounds from a random generator that belongs to the
process and that nothing can reset. So each clip is decoded by a copy of this process, forked before
anything is decoded: it always sounds the same, whatever came before it. That is what Codec2's own
program does, one process a file, without the time that starting one takes.

A request is the number of bytes (`LENGTH`), then the frames; an answer whether it went well (1 or
0), the number of bytes, then the samples or the error's text.
"""

import os
import signal
import struct
import sys
from typing import BinaryIO

LENGTH = struct.Struct("<Q")
ANSWER = struct.Struct("<BQ")


def main(mode: int) -> None:
    """Answer requests from standard input until it ends."""
    import pycodec2

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever asks decides what Ctrl-C does
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    while header := requests.read(LENGTH.size):
        frames = requests.read(LENGTH.unpack(header)[0])
        child = os.fork()
        if not child:
            try:
                codec = pycodec2.Codec2(mode)
                size = codec.bytes_per_frame()
                parts = range(0, len(frames), size)
                sound = b"".join(codec.decode(frames[at : at + size]).tobytes() for at in parts)
                _answer(answers, well=True, content=sound)
            except Exception as error:
                _answer(answers, well=False, content=f"{type(error).__name__}: {error}".encode())
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if status:
            _answer(answers, well=False, content=f"its process died ({status})".encode())


def _answer(answers: BinaryIO, *, well: bool, content: bytes) -> None:
    answers.write(ANSWER.pack(well, len(content)) + content)
    answers.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]))
