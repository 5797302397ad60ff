"""The commits of hub repositories that are taken by default, and why others have none."""

MAIN = "main"
COMMITS = {
    "HKUSTAudio/xcodec2-hf": "64bd034d12d441299cdd535b15c33efd6ccdf252",
    "bosonai/higgs-audio-v2-tokenizer": "403fbacf2f60caaa102f893fdfabb694619b2417",
    "descript/dac_16khz": "7c2fc5e759f1f501aefc6e7a0265cc57f5d17ba7",
    "descript/dac_24khz": "6ba020b5ba7d9d8076fb90db7e67f27e31980f6e",
    "descript/dac_44khz": "c1bc521685adf9cfe247bc39a5ca58917eda1ac4",
    "facebook/encodec_24khz": "c1dbe2ae3f1de713481a3b3e7c47f357092ee040",
    "facebook/encodec_48khz": "c3def8e7185ac8c8efdce6eb8c4a651e487a503e",
    "hubertsiuzdak/snac_24khz": "d73ad176a12188fcf4f360ba3bf2c2fbbe8f58ec",
    "hubertsiuzdak/snac_44khz": "873ebef9718b89660340c6f55a2b515e98cfa1d9",
    "kyutai/mimi": "89091b3e466eb6a9d11e537bf26b144f194978f7",
    "novateur/WavTokenizer-large-unify-40token": "7dc47a9450ce71cab736434b7645604013ca028b",
    "novateur/WavTokenizer-medium-music-audio-75token": "1bcbe86db88fc1f1f86c7ea192e791b3ede17da2",
    "novateur/WavTokenizer-medium-speech-75token": "8858552e69270816d6aeb37bfcf3b770769d4899",
}
"""Commit of a repository, as public code that uses the same files names it."""

UNKNOWN = "no public source found that names a commit of it"
UNPINNED = {
    "Dongchao/UniAudio2_ckpt": "taken as a folder, which the user fetches",
    "Dongchao/almtokenizer2": "taken as a folder, which the user fetches",
    "bezzam/VibeVoice-AcousticTokenizer": UNKNOWN,
    "eustlb/pocket-tts-audio-tokenizer": UNKNOWN,
    "fnlp/SpeechTokenizer": UNKNOWN,
    "hf-audio/xcodec-hubert-general": UNKNOWN,
    "hf-audio/xcodec-hubert-general-balanced": UNKNOWN,
    "hf-audio/xcodec-hubert-librispeech": UNKNOWN,
    "hf-audio/xcodec-wavlm-mls": UNKNOWN,
    "hf-audio/xcodec-wavlm-more-data": UNKNOWN,
    "hubertsiuzdak/snac_32khz": UNKNOWN,
    "intexcp/bigcodec": UNKNOWN,
    "neuphonic/neucodec": "the commits that public code names are used with other files",
    "novateur/WavTokenizer-large-speech-75token": (
        "the commits that public code names are used with other files"
    ),
    "stabilityai/stable-codec-speech-16k": "gated, and no public source found that names a commit",
    "swiss-ai/wavtokenizer-small-speech-40token": UNKNOWN,
    "swiss-ai/wavtokenizer-small-speech-75token": UNKNOWN,
}
"""Why a repository is taken from its branch `main`, which its owner may change."""


def of(source: str) -> str:
    """The commit to take of a hub repository by default; "main" where none is known."""
    return COMMITS.get(source, MAIN)
