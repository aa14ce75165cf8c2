"""Loading of the libraries of MXNet's CUDA build, from fake packages."""

import ctypes

import pytest

from workflow_scripts.devices import cuda_libraries
from workflow_scripts.errors import UserError


@pytest.fixture
def loaded(monkeypatch):
    """The names of the libraries in the order of loading; none is really loaded."""
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


def test_nothing_is_loaded_for_the_cpu_build(tmp_path, monkeypatch, loaded):
    provide(tmp_path, "cublas/lib/libcublas.so.11")
    monkeypatch.setattr("sys.path", [str(tmp_path)])
    cuda_libraries.load()
    assert loaded == []


def test_libraries_are_loaded_after_their_dependencies(site, loaded):
    paths = [provide(site, library) for library in cuda_libraries.LIBRARIES]
    cuda_libraries.load()
    assert loaded == ["libcuda.so.1", *paths]


def test_libraries_of_another_cuda_release_are_ignored(site, loaded):
    for library in ("cu13/lib/libcublas.so.13", "cudnn/lib/libcudnn.so.9", "cublas/lib/libnvblas"):
        provide(site, library)
    path = provide(site, "cudnn/lib/libcudnn.so.8")
    cuda_libraries.load()
    assert loaded == ["libcuda.so.1", path]


def test_a_missing_driver_is_an_error(site, monkeypatch):
    monkeypatch.setattr(cuda_libraries, "DRIVER", "libmissing.so.1")
    with pytest.raises(UserError, match=r"NVIDIA driver \(libmissing.so.1\).*`make env`"):
        cuda_libraries.load()
