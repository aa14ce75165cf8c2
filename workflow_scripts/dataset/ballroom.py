"""The Ballroom data set (Gouyon et al. 2006) as published, and a comparison with local files."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

# Folders that the paper counts as one class (FOLDER: CLASS).
CLASSES = {
    "Rumba-American": "Rumba",
    "Rumba-International": "Rumba",
    "Rumba-Misc": "Rumba",
}
# Tracks per class.
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
    """Sentences that compare these tracks (label, path) with the published ones.

    One sentence if the data set is complete; otherwise one for each difference. Names are compared
    with those in `tempi`, since every published track has an annotated tempo.
    """
    found = tracks["label"].value_counts().to_dict()
    if found == SIZES:
        sizes = ", ".join(f"{name} {size}" for name, size in SIZES.items())
        yield f"Ballroom is complete: {sum(SIZES.values())} tracks in {len(SIZES)} classes: {sizes}"
    for name in sorted(SIZES.keys() | found.keys()):
        n_found, n_published = found.get(name, 0), SIZES.get(name, 0)
        if n_found != n_published:
            yield f"Ballroom as published has {n_published} tracks of {name}; found {n_found}"
    stems = {Path(path).stem for path in tracks["path"]}
    annotated = {path.stem for path in tempi.glob("*.bpm")}
    for difference, meaning in [
        (annotated - stems, "Annotated tempi without a track"),
        (stems - annotated, "Tracks without an annotated tempo"),
    ]:
        if difference:
            yield f"{meaning} ({len(difference)}): {', '.join(sorted(difference))}"
