"""Checks that a clip gives the same again: a second time, in a batch, with fewer codebooks."""

from pydantic import ValidationError

from almbench.checks.compare import SAME_CODES, Agreement, code_agreement, peak_difference
from almbench.checks.describe import describe_error
from almbench.checks.finding import Result
from almbench.checks.subject import Subject
from almbench.codecs.base import from_codes
from almbench.errors import CodecError, Unavailable, UserError

SHORTER = 48  # samples, a part of a frame
SAME_ON_CUDA = 1e-4  # of the peak; CUDA's kernels may add in another order each time


def check_determinism(subject: Subject) -> Result:
    """A clip gives the same a second time, whatever came between."""
    clip = subject.speech(subject.length)
    first, sound = subject.round_trip(clip)
    subject.round_trip(subject.speech(subject.length // 2, start=1.0))
    again, sound_again = subject.round_trip(clip)
    agreement = Agreement(code_agreement(first, again), peak_difference(sound, sound_again))
    limits = (1.0, 0.0) if subject.device == "cpu" else (SAME_CODES, SAME_ON_CUDA)
    same = agreement.within(*limits) and first.bits == again.bits
    return f"twice, another clip between: {agreement}", "pass" if same else "FAIL"


def check_batch(subject: Subject) -> Result:
    """Clips of equal batch length give the same in a batch as alone, where that is claimed."""
    length = subject.codec.batch_length(subject.length)
    lengths = [
        n if subject.codec.batch_length(n) == length else subject.length
        for n in (subject.length, subject.length - 1, subject.length - SHORTER)
    ]
    return _check_together(subject, lengths, "supports_batching")


def check_padding(subject: Subject) -> Result:
    """Clips of any lengths give the same in a batch as alone, where that is claimed."""
    lengths = [subject.length, subject.length // 2, subject.length - SHORTER]
    return _check_together(subject, lengths, "supports_padding")


def _check_together(subject: Subject, lengths: list[int], claim: str) -> Result:
    """Clips of these lengths give the same in a batch as alone, if the codec claims it."""
    clips = [
        level * subject.speech(length, 1 / level)
        for level, length in zip((1.0, 0.5, 0.25), lengths, strict=True)
    ]
    claims = getattr(subject.codec, claim)
    try:
        together = subject.encode(*clips)
        sounds = subject.decode(*together)
    except Exception as error:
        message = describe_error(error, subject.codec)
        return f"{message} ({claim}: {claims})", "FAIL" if claims else "info"
    shares = [
        code_agreement(many, subject.encode(clip)[0])
        for many, clip in zip(together, clips, strict=True)
    ]
    # The same codes are decoded, so that a tie in the codes is not held against the decoder.
    differences = [
        peak_difference(subject.decode(e)[0], s) for e, s in zip(together, sounds, strict=True)
    ]
    codes = min((share for share in shares if share is not None), default=None)
    agreement = Agreement(codes, max(differences))
    message = f"3 clips at once against one by one: {agreement}"
    if not claims:
        return f"{message}; {claim} is not claimed", "info"
    return message, "pass" if agreement.within() else "FAIL"


def check_nested(subject: Subject) -> Result:
    """The first codebooks are the codes of a shallower setting, where that is claimed."""
    if subject.codec.encoding_key is None:
        return "not claimed", "info"
    other = _other_depth(subject)
    if other is None:
        return "no setting of another depth was found", "info"
    shallow, deep = sorted((subject, other), key=lambda s: len(s.spec.codebook_sizes))
    clip = subject.speech(subject.length)
    other.codec.load(subject.device)
    try:
        wide, narrow = deep.encode(clip)[0], shallow.encode(clip)[0]
        if wide.codes is None or narrow.codes is None:
            return "no codes", "FAIL"
        sizes = shallow.spec.codebook_sizes
        agreement = Agreement(
            code_agreement(from_codes(wide.codes[: len(sizes)], sizes, wide.length), narrow),
            peak_difference(deep.decode(narrow)[0], shallow.decode(narrow)[0]),
        )
    finally:
        other.codec.unload()
    message = f"first {len(sizes)} of {len(deep.spec.codebook_sizes)} codebooks against "
    return f"{message}{len(sizes)} alone: {agreement}", "pass" if agreement.within() else "FAIL"


def _other_depth(subject: Subject) -> Subject | None:
    """The same codec with another depth: the option that equals its depth is changed."""
    codec, depth = subject.codec, len(subject.spec.codebook_sizes)
    options = codec.options.model_dump()
    names = [n for n, value in options.items() if value == depth and not isinstance(value, bool)]
    for name in names:
        for wanted in (depth // 2, *range(depth - 1, 0, -1), 2 * depth):
            try:
                changed = codec.options_type.model_validate({**options, name: wanted})
                made = type(codec)(codec.id, codec.label, changed)
                made.fetch(network=False)
                other = Subject(made, subject.device)
            except (ValidationError, CodecError, UserError, Unavailable):
                continue
            if made.encoding_key == codec.encoding_key and len(other.spec.codebook_sizes) == wanted:
                return other
    return None
