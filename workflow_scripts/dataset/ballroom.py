"""Ballroom as published (Gouyon et al. 2006): its classes, their sizes, and what differs here."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

# Three folders hold one dance (FOLDER: CLASS); the paper counts it as one.
CLASSES = {
    "Rumba-American": "Rumba",
    "Rumba-International": "Rumba",
    "Rumba-Misc": "Rumba",
}
SIZES = {
    "ChaChaCha": 111,
    "Jive": 60,
    "Quickstep": 82,
    "Rumba": 98,
    "Samba": 86,
    "Tango": 86,
    "VienneseWaltz": 65,
    "Waltz": 110,
}


def compared(tracks: pd.DataFrame, tempi: Path) -> Iterator[str]:
    """Sentences on how these tracks (label, path) compare with the published ones.

    One if all is there, otherwise what is missing or extra: sizes of classes and, since every
    published track has its tempo in `tempi`, names.
    """
    found = tracks["label"].value_counts().to_dict()
    if found == SIZES:
        sizes = ", ".join(f"{name} {size}" for name, size in SIZES.items())
        yield f"Ballroom is complete: {sum(SIZES.values())} tracks in {len(SIZES)} classes: {sizes}"
    for name in sorted(SIZES.keys() | found.keys()):
        here, published = found.get(name, 0), SIZES.get(name, 0)
        if here != published:
            yield f"Ballroom as published has {published} tracks of {name}, here are {here}"
    stems = {Path(path).stem for path in tracks["path"]}
    annotated = {path.stem for path in tempi.glob("*.bpm")}
    for difference, meaning in [
        (annotated - stems, "annotated tempi without a track"),
        (stems - annotated, "tracks without an annotated tempo"),
    ]:
        if difference:
            yield f"{len(difference)} {meaning}: {', '.join(sorted(difference))}"
