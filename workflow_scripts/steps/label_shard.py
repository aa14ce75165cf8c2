"""Label the tracks of one shard with trained models."""

import argparse
import json
from pathlib import Path

from workflow_scripts.atomic_files import atomic
from workflow_scripts.labelling.formats import as_json, details
from workflow_scripts.labelling.label_tracks import label_all
from workflow_scripts.models import package
from workflow_scripts.process import run


def main() -> None:
    """Read the models and the tracks of a shard; write their labels as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="model.zip or .onnx")
    parser.add_argument("--shard", type=Path, required=True, help="the shard's list of tracks")
    parser.add_argument("--threads", type=int, default=1, help="tracks at a time")
    parser.add_argument("--labels", type=Path, required=True, help="JSON to write")
    options = parser.parse_args()

    package.check(options.model)
    tracks = [Path(path) for path, *_ in json.loads(options.shard.read_text())]
    labelled = label_all(options.model, tracks, options.threads)
    with atomic(options.labels) as partial, partial.open("w") as file:
        for text in as_json(map(details, labelled)):
            file.write(text)
    print(f"{len(tracks)} tracks in {options.labels}")


if __name__ == "__main__":
    run(main)
