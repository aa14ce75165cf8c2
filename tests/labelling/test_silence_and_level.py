"""Labels of tracks with silences, and of tracks of another level than the training tracks."""

import re
from dataclasses import replace

import numpy as np
import pytest
import soundfile

from tests.conftest import clicks, network_of
from tests.model_files import packed, trained
from tests.papers import in_silence, level_of, mel_bands
from tests.runs import run_module
from workflow_scripts.dataset.level import TrainingLevel, in_db
from workflow_scripts.labelling.label_tracks import label_all
from workflow_scripts.models import package
from workflow_scripts.models.onnx_file import NotOurModelError


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A packed file of two variants with different input lengths, two folds each."""
    path = tmp_path_factory.mktemp("model") / "model.zip"
    return packed(path, "time_1x60", "time_1x200")


def of_level(path, level, **changes):
    """A packed file of one network, trained on tracks of this level."""
    networks = [trained(network_of("time_1x60", 3), "time_1x60", fold) for fold in (0, 1)]
    files = [
        replace(n, metadata=replace(n.metadata, level=replace(level, **changes))).onnx_bytes()
        for n in networks
    ]
    package.write(path, package.together(files), {})
    return path


@pytest.mark.workflow
class TestSilenceAndLevel:
    def labelled(self, model, folder, **signals):
        for name, samples in signals.items():
            soundfile.write(folder / f"{name}.wav", samples, 44100, "FLOAT")
        return list(label_all(model, [folder / f"{name}.wav" for name in signals], 1))

    def test_silence_after_a_track_changes_nothing(self, model, tmp_path):
        """240 frames of music: whole segments of both inputs. The offset is silence too."""
        music = clicks(np.random.default_rng(0), 120, 12)[: 500 * 1024]
        minute = np.zeros(44100 * 60)
        alone, before, after, offset = self.labelled(
            model,
            tmp_path,
            alone=music,
            before=np.concatenate([minute[: 500 * 1024], music]),
            after=np.concatenate([music, minute]),
            offset=np.concatenate([music, minute + 0.25]),
        )
        for track in (after, offset):
            shares = track.prediction.vote_shares
            assert shares == pytest.approx(alone.prediction.vote_shares, abs=0.2)
            assert track.prediction.label == alone.prediction.label
            kinds = [track.prediction.at(moment) for moment in track.prediction.timeline]
            # The music ends in the seventh segment.
            assert None not in kinds[:7] and set(kinds[7:]) == {None}
        first = [before.prediction.at(moment) for moment in before.prediction.timeline][:6]
        assert set(first) == {None}

    def test_a_track_without_sound_in_a_segment_is_not_labelled(self, model, tmp_path):
        late = np.zeros(44100 * 8)
        late[-44100:] = clicks(np.random.default_rng(0), 300, 1)
        never, offset = self.labelled(model, tmp_path, late=late, offset=late * 0 + 0.5)
        assert never.problem == "has no segment with sound: all its segments of 5.80 s are silent"
        assert offset.problem == "is silent throughout"

    def test_a_track_of_another_level_has_a_warning(self, model, tmp_path):
        music = clicks(np.random.default_rng(0), 120, 4)
        energies = self.energies_of(tmp_path, music)
        recorded = float(in_db(level_of(energies, in_silence(energies))))
        level = TrainingLevel("as_recorded", round(recorded - 3, 2), round(recorded + 3, 2))
        file = of_level(tmp_path / "m.zip", level)
        signals = {"same": music, "quiet": 0.1 * music, "loud": 2 * music}
        same, quiet, loud = self.labelled(file, tmp_path, **signals)
        assert same.prediction.warning == ""
        assert re.fullmatch(
            r"its level of -\d+\.\d dB is below that of the training tracks, -\S+ to -\S+ dB",
            quiet.prediction.warning,
        )
        assert " is above that of " in loud.prediction.warning
        assert self.labelled(model, tmp_path, loud=np.tile(music, 2))[0].prediction.warning == ""
        code, output = run_module(
            "commands.label", "--model", file, tmp_path / "quiet.wav", tmp_path / "same.wav"
        )
        assert code == 0 and "1 of 2 tracks have a warning; see the output" in output
        assert "\n    warning: its level of" in output

    def energies_of(self, folder, music):
        soundfile.write(folder / "level.wav", music, 44100, "FLOAT")
        return mel_bands(folder / "level.wav")

    def test_a_normalised_model_predicts_the_same_at_any_level(self, tmp_path):
        music = clicks(np.random.default_rng(0), 120, 8)
        signals = {"a": music, "b": 0.1 * music, "c": 0.01 * music}
        recorded = TrainingLevel("as_recorded", -99, 99)
        file = of_level(tmp_path / "m.zip", recorded, input="normalised")
        loud, *quiet = self.labelled(file, tmp_path, **signals)
        other = self.labelled(of_level(tmp_path / "r.zip", recorded), tmp_path, **signals)
        for track in quiet:
            assert track.prediction.probabilities == pytest.approx(
                loud.prediction.probabilities, abs=1e-4
            )
        differences = np.ptp([track.prediction.probabilities for track in other], axis=0)
        assert differences.max() > 1e-3, "the level matters to this network"

    def test_models_with_and_without_normalisation_are_not_mixed(self, tmp_path):
        level = TrainingLevel("as_recorded", -40, -30)
        files = [
            package.read(of_level(tmp_path / f"{kind}.zip", level, input=kind)).models[0].onnx
            for kind in ("as_recorded", "normalised")
        ]
        with pytest.raises(NotOurModelError, match="with and without normalised level"):
            package.together(files)

    @pytest.mark.parametrize("change", [{"lowest": 1e999}, {"input": "x"}, {"highest": None}])
    def test_a_model_with_an_invalid_level_is_refused(self, tmp_path, change):
        with pytest.raises(NotOurModelError, match="is damaged"):
            of_level(tmp_path / "m.zip", TrainingLevel("as_recorded", -40, -30), **change)
