"""Checks that a clip gives the same again: a second time, in a batch, with fewer codebooks."""

from pydantic import ValidationError

from almbench.checks.compare import SAME_CODES, Agreement, code_agreement, peak_difference
from almbench.checks.describe import describe_error
from almbench.checks.finding import Result
from almbench.checks.subject import Subject
from almbench.codecs.base import from_codes
from almbench.errors import CodecError, Unavailable, UserError

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
    """Clips of equal length give the same in a batch as alone, where that is claimed."""
    clips = [level * subject.speech(subject.length, 1 / level) for level in (1.0, 0.5, 0.25)]
    claims = subject.codec.supports_batching
    try:
        together = subject.encode(*clips)
        sounds = subject.decode(*together)
    except Exception as error:
        message = describe_error(error, subject.codec)
        return f"{message} (supports_batching: {claims})", "FAIL" if claims else "info"
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
        return f"{message}; batches are not claimed", "info"
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
