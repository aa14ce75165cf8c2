"""Small folders of files with usual and unusual names."""

import unicodedata

HOSTILE = [
    "two  spaces .wav",
    'it\'s "quoted".wav',
    "$(touch pwned) `touch pwned`.wav",
    "-rf.wav",
    "--help.wav",
    "new\nline.wav",
    "tab\tand,comma;.wav",
    "{braces} %s \\n *?[a].wav",
    "a:b|c<d>&.wav",
    unicodedata.normalize("NFC", "Köln é.wav"),
    unicodedata.normalize("NFD", "Köln é.wav"),
    "日本 🎶.wav",
    f"{'x' * 246}.wav",
]


def touch(folder, *names):
    """Write files whose content is their name; return the folder."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())
    return folder
