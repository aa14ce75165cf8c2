"""A run with another front end, up to music that its model labels."""

import json
import re

import pytest
import soundfile

from tests.conftest import write_classes
from tests.processes import run
from workflow_scripts.models import package

OWN = """
front_end:
  {sample_rate: 16000, frame_size: 512, hop_size: 256, window: hann, n_bands: 96, compression: null}
only: [mine]
variants:
  mine:
    architecture: Time-Frequency
    input_frames: 120
    trunks:
      time: {filter: [1, 60], pool: [96, 1], n_filters: 4}
      frequency: {filter: [64, 1], pool: [1, 120], n_filters: 4}
"""


@pytest.mark.endurance
def test_models_of_another_front_end_are_exported_packed_and_label_music(tmp_path, workflow):
    write_classes(tmp_path / "audio")
    (tmp_path / "own.yaml").write_text(OWN)
    workflow(
        *("--configfile", "presets/smoke.yaml", "../own.yaml"),
        *("--config", "dataset=folder", "audio_dir=../audio"),
        *("--until", "tabulate", "export"),
    )
    log = (workflow.folder / "results/smoke/logs/export/mine.log").read_text()
    differences = re.findall(r"within (\S+) of the predictions", log)
    assert len(differences) == 3 and max(map(float, differences)) < 1e-5
    code, output = run(
        "workflow_scripts.commands.pack_model", "results/smoke", folder=workflow.folder
    )
    assert code == 0, output
    packed = package.read(workflow.folder / "results/smoke/model.zip")
    front_end = packed.models[0].metadata.front_end
    assert (front_end.sample_rate, front_end.n_bands, front_end.compression) == (16000, 96, None)
    # The file has 44.1 kHz.
    track = tmp_path / "audio/slow/slow 0.wav"
    code, output = run(
        "workflow_scripts.commands.label",
        *("--model", "results/smoke/model.zip", "--format", "json", track),
        folder=workflow.folder,
    )
    assert code == 0, output
    (labelled,) = json.loads(output)
    seconds = 120 * 256 / 16000
    starts = [moment["start"] for moment in labelled["timeline"]]
    assert starts == pytest.approx([n * seconds for n in range(len(starts))])
    assert len(starts) == soundfile.info(track).duration // seconds
    short = tmp_path / "short.wav"
    soundfile.write(short, soundfile.read(track)[0][:44100], 44100)
    code, output = run(
        "workflow_scripts.commands.label",
        *("--model", "results/smoke/model.zip", short),
        folder=workflow.folder,
    )
    assert code == 1
    assert "is too short: 1.02 s, and the model needs segments of 1.92 s" in output
