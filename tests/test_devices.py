"""Which GPUs MXNet can use, by pretended listings of the driver."""

import pytest

from workflow_scripts.networks.devices import Gpu, parse_gpus


def test_the_drivers_listing():
    listing = "0, Tesla V100-SXM2-16GB, 7.0\n1, NVIDIA H100, 80GB HBM3, 9.0\n"
    assert parse_gpus(listing) == [
        Gpu(0, "Tesla V100-SXM2-16GB", (7, 0)),
        Gpu(1, "NVIDIA H100, 80GB HBM3", (9, 0)),
    ]
    assert parse_gpus("") == []
    assert parse_gpus("0, Odd GPU, [N/A]\n") == []


@pytest.mark.parametrize(
    ("capability", "usable"),
    [((3, 5), False), ((5, 0), True), ((7, 5), True), ((8, 9), True), ((9, 0), False)],
)
def test_kernels_reach_from_maxwell_to_ada(capability, usable):
    assert Gpu(0, "GPU", capability).runs_mxnet == usable
