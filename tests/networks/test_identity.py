"""What makes two trainings the same task, and what the same course."""

from dataclasses import replace

import numpy as np
import pytest

from workflow_scripts.networks.identity import Identity, digest_of_arrays

BASE = Identity(
    variant="time_1x60",
    fold=1,
    seed=7,
    network={"input_frames": 80},
    training={"learning_rate": 0.01, "dropout": 0.5, "max_epochs": 9},
    validation="tracks",
    sampling="contiguous",
    level="as_recorded",
    augmentation={},
    front_end={"n_bands": 40},
    classes=["a", "b"],
    engine="mxnet",
    digests={"code": "c", "segments": ["s", "v"], "labels": ["l", "m"], "start": "w"},
    device="cpu",
    versions={"mxnet": "1"},
)
OTHERS = {
    "variant": "time_1x200",
    "fold": 2,
    "seed": 8,
    "network": {"input_frames": 81},
    "training": BASE.training | {"dropout": 0.4},
    "validation": "segments",
    "sampling": "onset",
    "level": "normalised",
    "augmentation": {"pitch_shift": 1},
    "front_end": {"n_bands": 96},
    "classes": ["a", "c"],
    "engine": "torch",
    "digests": BASE.digests | {"segments": ["s", "other"]},
}


@pytest.mark.parametrize("changed", OTHERS)
def test_another_setting_or_other_data_are_another_task_and_course(changed):
    other = replace(BASE, **{changed: OTHERS[changed]})
    assert other.task() != BASE.task() and other.course() != BASE.course()


@pytest.mark.parametrize("part", BASE.digests)
def test_each_digest_counts(part):
    other = replace(BASE, digests=BASE.digests | {part: "another"})
    assert other.task() != BASE.task() and other.course() != BASE.course()


def test_more_epochs_are_the_same_course():
    more = replace(BASE, training=BASE.training | {"max_epochs": 10})
    assert (more.task(), more.course()) == (BASE.task(), BASE.course())


def test_another_machine_has_the_same_task_but_its_bits_may_differ():
    for change in ({"device": "NVIDIA H100"}, {"versions": {"mxnet": "2"}}):
        other = replace(BASE, **change)
        assert other.task() == BASE.task() and other.course() != BASE.course()
    gpus = [replace(BASE, device=name).course() for name in ("NVIDIA H100", "NVIDIA H200")]
    assert gpus[0] == gpus[1]


def test_every_field_is_tested():
    assert {*OTHERS, "device", "versions"} == {*Identity.__dataclass_fields__}


def test_the_digest_of_arrays_depends_on_shapes_types_and_values():
    arrays = np.zeros((2, 3)), np.zeros((3, 2)), np.zeros((2, 3), np.float32), np.ones((2, 3))
    assert len({digest_of_arrays(array) for array in arrays}) == 4
    assert digest_of_arrays(arrays[0].T.copy().T) == digest_of_arrays(arrays[0])
