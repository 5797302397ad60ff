"""Decodes one clip of Codec2, as a program: mode as argument, frames in, 16-bit samples out.

Codec2's decoder draws the phases of unvoiced sounds from a random generator that belongs to the
process and that nothing can reset. In a process of its own, a clip always sounds the same, whatever
was decoded before it: that is also what Codec2's own program does, one process a file.
"""

import sys

import pycodec2


def main(mode: int) -> None:
    """Decode standard input to standard output."""
    codec = pycodec2.Codec2(mode)
    size = codec.bytes_per_frame()
    frames = sys.stdin.buffer.read()
    for start in range(0, len(frames), size):
        sys.stdout.buffer.write(codec.decode(frames[start : start + size]).tobytes())


if __name__ == "__main__":
    main(int(sys.argv[1]))
