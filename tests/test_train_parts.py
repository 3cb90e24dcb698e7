"""The parts of a training run, each on a case that a person can check."""

import pytest
import torch
from torch import nn

from fastportrait.nets import ZOO
from fastportrait.nets.weights import About, save
from fastportrait.recipe import Recipe
from fastportrait.train import train
from fastportrait.train.batches import part_of, relit
from fastportrait.train.features import Look, coarsest
from fastportrait.train.loggers import open_logger, row
from fastportrait.train.module import Training
from fastportrait.train.optimise import optimiser, share
from fastportrait.train.teacher import open_teacher
from fastportrait.train.watch import Divergence
from shards import write_data


def recipe(**keys):
    return Recipe("small", 110, {"web": 1.0}, warmup=10, **keys)


def test_both_schedules_rise_straight_and_fall_as_they_are_called():
    for kind in ("cosine", "poly"):
        assert share(recipe(schedule=kind), 4) == 0.5
        assert share(recipe(schedule=kind), 10) == 1
    assert share(recipe(schedule="cosine"), 60) == pytest.approx(0.01 + 0.99 / 2)
    assert share(recipe(schedule="cosine"), 110) == pytest.approx(0.01)
    assert share(recipe(schedule="poly"), 60) == pytest.approx(0.5**0.9)
    assert share(recipe(schedule="poly"), 110) == 0


def test_sgd_has_momentum_and_vectors_do_not_decay():
    made = optimiser(nn.Linear(2, 2), {"weight"}, recipe(optimiser="sgd", lr=0.1, trunk_lr=0.5))
    assert isinstance(made, torch.optim.SGD)
    found = [(g["lr"], g["weight_decay"], g["momentum"]) for g in made.param_groups]
    assert found == [(0.05, 1e-4, 0.9), (0.1, 0.0, 0.9)]


def test_parts_cover_a_batch():
    assert [part_of(6, rank, 3) for rank in range(3)] == [slice(0, 2), slice(2, 4), slice(4, 6)]


def test_another_light_moves_nothing_and_is_drawn_from_its_generator():
    image = torch.full((4, 3, 16, 16), 0.4)
    image[..., 8:, :] = 0.8
    once, again = (relit(image, torch.Generator().manual_seed(1)) for _ in range(2))
    assert torch.equal(once, again)
    assert once.min() >= 0
    assert once.max() <= 1
    assert (once[..., 8:, :].mean((1, 2, 3)) > once[..., :8, :].mean((1, 2, 3)) + 0.1).all()
    assert (once - image).abs().mean() > 0.02


def looked(losses, **keys):
    watch = Divergence(**keys)
    watch.fresh = [torch.tensor(float(loss)) for loss in losses]
    watch.look(len(losses))


def test_a_loss_that_is_not_a_number_is_named_with_its_step():
    with pytest.raises(ValueError, match="the loss is nan at step 2: lower lr or clip"):
        looked([1, 1, float("nan"), 1])


def test_a_loss_far_above_its_median_stops_a_run_only_if_it_stays():
    looked([1] * 50 + [20] * 9 + [1] + [20] * 9, long=10)
    with pytest.raises(
        ValueError, match="at step 59, and has been more than 10 times its median of 1 for 10"
    ):
        looked([1] * 50 + [20] * 10, long=10)


@pytest.mark.parametrize("kind", ["wandb", "mlflow"])
def test_a_logger_that_is_missing_is_named_with_its_cure(kind, tmp_path, monkeypatch):
    monkeypatch.setattr("fastportrait.train.loggers.find_spec", lambda name: None)
    with pytest.raises(ValueError, match=f"needs: pip install {kind}"):
        open_logger(kind, tmp_path)


def test_a_row_shows_picture_target_and_prediction(portrait):
    alpha = (portrait[..., 1] > 200).astype("uint8") * 255
    shown = row(portrait, alpha, alpha[::2, ::2].astype("float32") / 255, (48, 80))
    assert shown.shape == (48, 240, 3)
    assert shown[40, 120].tolist() == shown[40, 200].tolist() == [255, 255, 255]
    assert shown[2, 82].tolist() == shown[2, 162].tolist() == [0, 0, 0]


def test_the_coarsest_map_is_found_without_being_named():
    net = ZOO["small"].build()
    look = Look(net, coarsest(net, (64, 96)))
    net(torch.zeros(1, 3, 64, 96))
    assert look.take().shape[-2:] == (2, 3)  # stride 32
    assert net.training
    with pytest.raises(ValueError, match="has no map of features inside"):
        coarsest(nn.Conv2d(3, 1, 1), (64, 64))


@pytest.mark.filterwarnings("ignore::UserWarning")  # Lightning's advice on loaders and logs
def test_a_student_of_another_paper_learns_its_teachers_features(tmp_path):
    """With no other loss, and a map of another size and width."""
    data = write_data(tmp_path / "data")
    torch.manual_seed(1)
    save(ZOO["small"].build(), About("small", (64, 64)), tmp_path / "t.safetensors")
    text = """network = "espnet"\nsteps = 12\nbatch = 4\nsize = [64, 64]\nscore_size = [64, 64]\nwarmup = 1
        validate_every = 12\nlr = 3e-3\nteacher = "t.safetensors"\nlosses = { features = 1 }\n
        augment = { crop = 1 }\nlogger = "tensorboard"\n"""
    (tmp_path / "r.toml").write_text(text)
    losses = []
    step = Training.training_step
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Training, "training_step", lambda *a: losses.append(step(*a)) or losses[-1])
        train(tmp_path / "r.toml", data, tmp_path / "run", accelerator="cpu", progress=False)
    assert sum(losses[-3:]) < 0.7 * sum(losses[:3])


def test_features_want_a_teacher_of_the_zoo(green_model, tmp_path):
    with pytest.raises(ValueError, match="the loss `features` needs a teacher of the zoo"):
        Training(recipe(losses={"features": 1.0}, teacher=green_model.name), green_model.parent)


def asked(path):
    """The teacher's alpha of a green half beside a grey one."""
    image = torch.full((2, 3, 96, 96), 0.5)
    image[..., :48] = torch.tensor([0.0, 1.0, 0.0]).view(3, 1, 1)
    return open_teacher(path)(image).sigmoid()


def test_an_onnx_file_teaches_at_its_own_size(green_model):
    found = asked(green_model)
    assert found.shape == (2, 1, 96, 96)
    assert found[..., :40].min() > 0.99
    assert found[..., 56:].max() < 0.01


def test_a_tflite_file_teaches(tmp_path):
    pytest.importorskip("ai_edge_litert")
    found = asked(write_lite(tmp_path / "red.tflite"))
    assert found[..., :40].max() == pytest.approx(0.5, abs=1e-3)  # half a logit of red: none here
    assert found[..., 56:].min() == pytest.approx(torch.tensor(2.0).sigmoid().item(), abs=1e-3)


def write_lite(path):
    """alpha = sigmoid(4 red) of (1, 64, 64, 3), as two operators of TensorFlow Lite."""
    import flatbuffers
    import numpy as np
    from ai_edge_litert import schema_py_generated as lite

    def tensor(name, shape, buffer):
        made = lite.TensorT()
        made.name, made.shape, made.buffer, made.type = name, shape, buffer, lite.TensorType.FLOAT32
        return made

    def operator(code, inputs, output, options=None):
        made = lite.OperatorT()
        made.opcodeIndex, made.inputs, made.outputs = code, inputs, [output]
        if options is not None:
            made.builtinOptionsType, made.builtinOptions = lite.BuiltinOptions.Conv2DOptions, options
        return made

    def code(builtin):
        made = lite.OperatorCodeT()
        made.builtinCode = made.deprecatedBuiltinCode = builtin
        made.version = 1
        return made

    model, graph, options = lite.ModelT(), lite.SubGraphT(), lite.Conv2DOptionsT()
    options.strideH = options.strideW = options.dilationHFactor = options.dilationWFactor = 1
    model.version = 3
    model.buffers = [lite.BufferT() for _ in range(3)]
    model.buffers[1].data = np.float32([4, 0, 0]).view(np.uint8)
    model.buffers[2].data = np.float32([0]).view(np.uint8)
    graph.tensors = [
        tensor("image", [1, 64, 64, 3], 0),
        tensor("weight", [1, 1, 1, 3], 1),
        tensor("bias", [1], 2),
        tensor("logit", [1, 64, 64, 1], 0),
        tensor("alpha", [1, 64, 64, 1], 0),
    ]
    graph.inputs, graph.outputs = [0], [4]
    graph.operators = [operator(0, [0, 1, 2], 3, options), operator(1, [3], 4)]
    model.operatorCodes = [code(lite.BuiltinOperator.CONV_2D), code(lite.BuiltinOperator.LOGISTIC)]
    model.subgraphs = [graph]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    path.write_bytes(bytes(builder.Output()))
    return path
