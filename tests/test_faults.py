"""The faults of tests/faults.py can be put into the workflow as it is."""

import pytest

from tests.faults import FAULTS
from tests.processes import ROOT


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_the_file_contains_what_the_fault_replaces_once(fault):
    text = (ROOT / fault.file).read_text()
    for old, new in fault.edits:
        assert text.count(old) == 1 and old != new
    assert all((ROOT / path).exists() for path in fault.tests)


def test_names_are_unique():
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)
