"""How the libraries of MXNet's CUDA build are found, with pretended packages."""

import ctypes

import pytest

from workflow_scripts.devices import cuda_libraries
from workflow_scripts.errors import UserError


@pytest.fixture
def loaded(monkeypatch):
    """What is loaded, in order; nothing really is."""
    names = []
    monkeypatch.setattr(ctypes, "CDLL", names.append)
    return names


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A folder of packages with a CUDA build of MXNet."""
    information = tmp_path / "mxnet_cu117-1.9.1.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: mxnet-cu117\n")
    monkeypatch.setattr("sys.path", [str(tmp_path)])
    return tmp_path


def provide(site, library):
    path = site / "nvidia" / library
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return str(path)


def test_the_cpu_build_needs_nothing(tmp_path, monkeypatch, loaded):
    provide(tmp_path, "cublas/lib/libcublas.so.11")
    monkeypatch.setattr("sys.path", [str(tmp_path)])
    cuda_libraries.load()
    assert loaded == []


def test_all_are_loaded_after_what_they_need(site, loaded):
    paths = [provide(site, library) for library in cuda_libraries.LIBRARIES]
    cuda_libraries.load()
    assert loaded == ["libcuda.so.1", *paths]


def test_those_of_another_cuda_are_left_alone(site, loaded):
    for library in ("cu13/lib/libcublas.so.13", "cudnn/lib/libcudnn.so.9", "cublas/lib/libnvblas"):
        provide(site, library)
    path = provide(site, "cudnn/lib/libcudnn.so.8")
    cuda_libraries.load()
    assert loaded == ["libcuda.so.1", path]


def test_a_missing_driver_is_said_in_a_sentence(site, monkeypatch):
    monkeypatch.setattr(cuda_libraries, "DRIVER", "libmissing.so.1")
    with pytest.raises(UserError, match=r"NVIDIA driver \(libmissing.so.1\).*`make env`"):
        cuda_libraries.load()
