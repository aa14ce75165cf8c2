"""Places on GPUs."""

import pytest

from workflow_scripts.devices.gpu_locks import locked
from workflow_scripts.errors import UserError


@pytest.fixture(autouse=True)
def own_folder(monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


@pytest.mark.parametrize(("n_gpus", "n_places"), [(1, 1), (1, 3), (2, 1), (3, 2)])
def test_all_places_are_taken_in_turns_and_not_one_more(n_gpus, n_places):
    uuids = [f"GPU-{i}" for i in range(n_gpus)]
    held = [locked(uuids, n_places, wait=False) for _ in range(n_gpus * n_places)]
    taken = [place.__enter__() for place in held]
    assert taken == uuids * n_places
    one_more = locked(uuids, n_places, wait=False)
    with pytest.raises(UserError, match="other trainings hold every visible GPU"):
        one_more.__enter__()
    for place in held:
        place.__exit__(None, None, None)
    with locked(uuids, n_places, wait=False) as uuid:
        assert uuid == uuids[0]


def test_runs_with_different_numbers_of_places_respect_each_other():
    with locked(["GPU-0"], 2, wait=False), pytest.raises(UserError):
        # The first place is taken, and this run knows no other.
        locked(["GPU-0"], 1, wait=False).__enter__()


def test_a_place_is_free_again_after_an_error():
    with pytest.raises(RuntimeError), locked(["GPU-0"], 1, wait=False):
        raise RuntimeError
    with locked(["GPU-0"], 1, wait=False) as uuid:
        assert uuid == "GPU-0"
