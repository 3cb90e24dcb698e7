"""Training with the rounding of int8 in place: it is that of the files, and weights learn to bear it."""

import json
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from safetensors.torch import load_file
from torch import nn

from fastportrait.cli import main
from fastportrait.export import card_of, gate, int8, onnx, onnx_int8
from fastportrait.export.int8 import NEXT, Rung, describe
from fastportrait.export.int8_recipe import write_recipe
from fastportrait.export.pictures import portraits
from fastportrait.nets import ZOO
from fastportrait.nets.network import Network
from fastportrait.nets.weights import About, load, read_about, save
from fastportrait.recipe import Recipe
from fastportrait.train import train
from fastportrait.train.fake_quantise import (
    FakeQuantise,
    extremes,
    fake_quantise,
    hold_norms,
    rounded_filters,
)
from fastportrait.train.module import Training
from shards import write_data

SIZE = (64, 64)
CHANNELS = 16
quiet = pytest.mark.filterwarnings("ignore::UserWarning")  # Lightning's advice on loaders and logs


class Green(Network):
    """What is green is a person: by hand, in two convolutions, a norm and a ReLU."""

    multiple = 8

    def __init__(self):
        super().__init__()
        self.differ = nn.Sequential(nn.Conv2d(3, CHANNELS, 3, padding=1), nn.BatchNorm2d(CHANNELS), nn.ReLU())
        self.score = nn.Conv2d(CHANNELS, 1, 1)
        nn.init.zeros_(self.differ[0].weight)
        sign = 1 - 2 * (torch.arange(CHANNELS) % 2)  # even ones: green over red; odd ones: red over green
        with torch.no_grad():
            self.differ[0].weight[:, 0, 1, 1] = -0.229 * sign
            self.differ[0].weight[:, 1, 1, 1] = 0.224 * sign
            self.differ[0].bias[:] = -0.029 * sign
            self.score.weight[0, :, 0, 0] = 64 / CHANNELS * sign
            self.score.bias.fill_(-1)

    def forward(self, image):
        return self.score(self.differ(self.normalise(image)))


def spoilt():
    """The same mask, but for 8 bits: one channel's values are 300 times those of all others, which then
    fall into two or three steps."""
    net = Green().eval()
    with torch.no_grad():
        net.differ[1].weight[0] *= 300
        net.score.weight[:, 0] /= 300
    return net


def discs(count, seed):
    """(N, 3, h, w): green discs before reddish noise."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    images = []
    for _ in range(count):
        off = np.hypot(y - random.integers(24, 40), x - random.integers(24, 40)) - random.uniform(10, 18)
        share = 1 / (1 + np.exp(off / 2))
        colours = np.array([[180, 60, 90], [50, 200, 70]])[:, :, None, None] / 255
        images.append(colours[0] * (1 - share) + colours[1] * share)
    noisy = np.stack(images) + random.normal(0, 0.03, (count, 3, *SIZE))
    return torch.from_numpy(noisy.clip(0, 1).astype(np.float32))


def in_8_bits(net, images):
    """The alphas of an ONNX file with all layers in 8 bits, in its runtime."""
    pytest.importorskip("onnxscript")
    each = [image[None].numpy() for image in images]
    quantiser = onnx.quantiser(net, tuple(images.shape[2:]), {}, None, each)
    with tempfile.TemporaryDirectory() as folder:
        quantiser.static(Path(folder) / "net.onnx", quantiser.layers)
        session = plain(Path(folder) / "net.onnx")
        return torch.from_numpy(np.concatenate([session.run(None, {"image": i})[0] for i in each]))


def plain(path):
    """As the file says, on any processor: some runtimes' fast sums of 8 bits overflow on older ones."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    return ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])


@torch.no_grad()
def alphas(net, images):
    return net.eval()(images).sigmoid()


def rounded(net, images):
    """The alphas with the rounding of training, in the ranges that `images` have without it."""
    ranges = fake_quantise(net.eval(), tuple(images.shape[2:]))

    def run():
        return {"mask": net(images)}

    with torch.no_grad(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(FakeQuantise, "round", lambda self, x, place, follow: self._follow(x, place) or x)
        ranges(run, follow=True)
        patch.undo()
        return ranges(run, follow=False)["mask"].sigmoid()


def test_spoilt_weights_lose_much_in_8_bits_and_learn_to_lose_less():
    """Judged by the file in its runtime, not by the rounding that they learnt with."""
    net, images = spoilt(), discs(8, seed=0)
    wanted = alphas(net, images)
    before = (in_8_bits(net, images) - wanted).abs().mean().item()
    assert before > 0.05
    ranges = fake_quantise(net, SIZE)
    optimiser = torch.optim.Adam(net.parameters(), lr=5e-3)
    hold_norms(net.train())
    for step in range(60):
        seen = discs(4, seed=1 + step)
        taught = torch.no_grad()(spoilt())(seen).sigmoid()
        logit = ranges(lambda seen=seen: {"mask": net(seen)}, follow=step < 20)["mask"]
        loss = nn.functional.binary_cross_entropy_with_logits(logit, taught)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    after = (in_8_bits(net, images) - wanted).abs().mean().item()
    assert after < before / 4


def test_the_rounding_is_that_of_the_file():
    """The errors that 8 bits make in the shipped network: in ONNX Runtime, and as training sees them."""
    net, _ = load(Path(__file__).parents[1] / "recipes" / "small.safetensors")
    images = torch.cat([torch.from_numpy(image) for image, _ in portraits(4, SIZE)])
    exact = alphas(net, images)
    theirs, ours = in_8_bits(net, images) - exact, rounded(net, images) - exact
    assert theirs.abs().mean() > 0.005
    assert (theirs - ours).abs().mean() < 0.6 * theirs.abs().mean()
    assert torch.corrcoef(torch.stack([theirs.flatten(), ours.flatten()]))[0, 1] > 0.85


def test_an_activation_belongs_to_its_layer_in_the_file():
    """What it cuts off takes none of the 256 values, and is not rounded once before it and once behind."""
    pytest.importorskip("onnxscript")
    net = ZOO["small"].build().eval()
    quantiser = onnx.quantiser(net, SIZE, {}, Path(), [torch.rand(1, 3, *SIZE).numpy()])
    with tempfile.TemporaryDirectory() as folder:
        quantiser.static(Path(folder) / "net.onnx", quantiser.layers)
        import onnx as package

        nodes = package.load(Path(folder) / "net.onnx").graph.node
    kinds = [node.op_type for node in nodes]
    assert {"Conv", "QuantizeLinear"} < set(kinds)
    assert not set(kinds) & set(onnx_int8.FUSED)
    # Each place in the file is one of training; what is enlarged is rounded again, in the range that it has.
    again = kinds.count("Resize")
    assert kinds.count("QuantizeLinear") - again == len(fake_quantise(net, SIZE).places)


def test_values_come_in_256_steps_with_zero_among_them_and_gradients_end_at_the_cut():
    ranges = FakeQuantise([])
    ranges.low, ranges.high = torch.tensor([-1.0]), torch.tensor([1.55])  # steps of a hundredth
    x = torch.tensor([-3.0, -0.004, 0.0, 0.004, 0.126, 2.0], requires_grad=True)
    y = ranges.round(x, 0, follow=False)
    torch.testing.assert_close(y, torch.tensor([-1.0, 0, 0, 0, 0.13, 1.55]))
    y.sum().backward()
    assert x.grad.tolist() == [0, 1, 1, 1, 1, 0]


def test_each_output_channel_has_its_own_scale():
    weight = torch.tensor([[[[127.0]], [[1.4]]], [[[0.127]], [[0.0014]]]], requires_grad=True)
    rounded = rounded_filters(weight, 0)
    torch.testing.assert_close(rounded.flatten(), torch.tensor([127, 1, 0.127, 0.001]))
    rounded.sum().backward()
    assert weight.grad.flatten().tolist() == [1, 1, 1, 1]


def test_rounding_before_a_norm_is_rounding_the_filter_that_has_it():
    """So that a norm need not be folded to train as it runs."""
    net = Green()
    nn.init.normal_(net.differ[0].weight)
    net.differ[1].weight.data.uniform_(-2, 2)
    net.differ[1].running_var.uniform_(0.1, 3)
    folded = net.deploy().differ[0].weight
    factor = net.differ[1].weight / (net.differ[1].running_var + net.differ[1].eps).sqrt()
    ours = rounded_filters(net.differ[0].weight, 0) * factor.view(-1, 1, 1, 1)
    torch.testing.assert_close(ours, rounded_filters(folded, 0))


def test_ranges_leave_out_the_outermost_values_and_take_the_widest_picture():
    x = torch.zeros(2, 1, 100, 200)
    x[0, 0, 0, :2] = torch.tensor([-50.0, 90])  # two of 20,000 values
    x[1] = torch.linspace(-1, 3, 20_000).view(1, 100, 200)
    assert extremes(x).tolist() == pytest.approx([1, 3], abs=1e-3)


@pytest.mark.parametrize("name", ["small", "enet", "mobilenetv3", "erfnet"])
def test_every_weight_learns_through_the_rounding(name):
    net, size = ZOO[name].build(), ZOO[name].smallest
    ranges = fake_quantise(net, size)
    hold_norms(net.train())
    image = torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(1))

    def gradients(run):
        net.zero_grad()
        sum(value.square().mean() for value in run().values()).backward()
        return {n for n, p in net.named_parameters() if p.grad is not None and p.grad.abs().max() > 0}

    learns = gradients(lambda: net.outputs(image))
    assert learns <= gradients(lambda: ranges(lambda: net.outputs(image), follow=True))
    assert (ranges.steps == 1).all()


class Fickle(Green):
    """Sees another layer in every second picture."""

    turn = 0

    def forward(self, image):
        self.turn += 1
        x = self.differ(self.normalise(image))
        return self.score(x + x if self.turn % 2 else x)


def test_a_network_that_goes_another_way_is_refused():
    net = Fickle().eval()
    ranges = fake_quantise(net, SIZE)
    image = torch.rand(1, 3, *SIZE)
    ranges(lambda: {"mask": net(image)}, follow=True)
    with pytest.raises(ValueError, match="wants a network that computes the same for every picture"):
        ranges(lambda: {"mask": net(image)}, follow=True)


RECIPE = """
network = "{network}"
steps = 6
batch = 2
size = [64, 64]
score_size = [64, 64]
warmup = 1
validate_every = 2
init = "{network}.safetensors"
quantise_aware = true
sources = {{ studio = 1, web = 1 }}
"""


def written(folder, network="fastdeepmatting-coarse", weights=True):
    """A recipe, the weights that it starts from, and data."""
    path = folder / "r.toml"
    path.write_text(RECIPE.format(network=network))
    torch.manual_seed(0)
    if weights:
        save(ZOO[network].build(), About(network, SIZE), folder / f"{network}.safetensors")
    return path, write_data(folder / "data")


@quiet
def test_a_stopped_run_goes_on_as_if_nothing_had_happened_and_the_weights_say_how_they_were_made(
    tmp_path, monkeypatch
):
    """Ranges follow for two of six steps; the run is stopped in the fourth, and goes on from the second."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # what is added up in another order may round otherwise
    recipe, data = written(tmp_path)
    step = Training.training_step

    def run(name):
        return train(recipe, data, tmp_path / name, accelerator="cpu", progress=False)

    def stops(self, batch, index):
        if self.global_step == 3:
            raise RuntimeError("stopped here")
        return step(self, batch, index)

    monkeypatch.setattr(Training, "training_step", stops)
    with pytest.raises(RuntimeError, match="stopped here"):
        run("stopped")
    monkeypatch.setattr(Training, "training_step", step)
    whole, resumed = run("whole"), run("stopped")
    torch.set_num_threads(threads)
    one, other = load_file(whole), load_file(resumed)
    assert one.keys() == other.keys() == load_file(tmp_path / "fastdeepmatting-coarse.safetensors").keys()
    assert all(torch.equal(one[name], other[name]) for name in one)
    kept, again = (
        torch.load(tmp_path / name / "last.ckpt", weights_only=False)["current_model_state"]
        for name in ("whole", "stopped")
    )
    assert (kept["rounding.high"] > kept["rounding.low"]).all()
    assert (kept["rounding.steps"] == 2).all()
    assert all(torch.equal(kept[f"rounding.{end}"], again[f"rounding.{end}"]) for end in ("low", "high"))
    about = read_about(whole)
    assert about.quantise_aware
    assert card_of(about, whole, SIZE, "int8")["quantise_aware"]
    assert "quantise_aware" not in card_of(replace(about, quantise_aware=False), whole, SIZE, "int8")


@pytest.mark.parametrize(
    ("network", "words", "message"),
    [
        ("small", ["--precision", "bf16-mixed"], "quantise_aware needs --precision 32-true"),
        ("fastvit", [], "quantise_aware cannot train FastViT: some of its layers train in another form"),
        ("", [], "goes on from weights that are trained without rounding: name them, init ="),
    ],
)
def test_what_it_cannot_train_is_one_clear_line(network, words, message, tmp_path):
    path, data = written(tmp_path, network or "small")
    if not network:
        path.write_text(path.read_text().replace('init = "small.safetensors"', ""))
    command = ["train", str(path), "--data", str(data), "--out", str(tmp_path / "run"), *words]
    done = CliRunner().invoke(main, command)
    assert done.exit_code == 1
    assert message in done.output
    assert done.output.count("\n") == 1


def rung(name, kept=()):
    return Rung(name, list(kept), 0.9, 0.7, {"iou": 0.0, "boundary_iou": 0.0}, 0.01, True)


def test_int8_that_needs_layers_in_float_says_what_to_train_next(tmp_path):
    written(tmp_path)
    weights = tmp_path / "fastdeepmatting-coarse.safetensors"
    about = read_about(weights)
    part, full = rung("static, 1 of 2 layers in float", ["a"]), rung("static, 0 of 2 layers in float")
    assert describe(part)["next"] == NEXT
    assert "next" not in describe(full)
    for rungs, made in (([full], about), ([], about), ([part], replace(about, quantise_aware=True))):
        assert write_recipe(tmp_path, weights, made, rungs) is None
    path = write_recipe(tmp_path, weights, about, [rung("weights")])
    assert path == tmp_path / "fastdeepmatting-coarse-int8.toml"
    recipe = Recipe.read(path)
    assert recipe.quantise_aware
    assert recipe.size == recipe.score_size == SIZE
    path.write_text(path.read_text().replace("lr = 1e-4", "lr = 1e-5"))
    write_recipe(tmp_path, weights, about, [part])
    assert Recipe.read(path).lr == 1e-5  # it may have been changed by hand


@pytest.mark.slow
def test_the_command_says_how_to_get_all_layers_into_8_bits(tmp_path, monkeypatch):
    """Where half of the layers are in float, whatever they would lose."""
    pytest.importorskip("onnxscript")
    monkeypatch.setattr(int8, "KEPT", (0.5,))
    monkeypatch.setattr(gate, "complaint", lambda *parity: "")
    monkeypatch.setattr(int8, "complaint", lambda *parity: "")
    _, data = written(tmp_path)
    weights, out = tmp_path / "fastdeepmatting-coarse.safetensors", tmp_path / "out"
    command = ["export", str(weights), "--precision", "int8", "--data", str(data), "-o", str(out)]
    done = CliRunner().invoke(main, command)
    assert done.exit_code == 0, done.output
    assert "int8 holds with static, " in done.output
    assert f"train it on: fastportrait train {out / 'fastdeepmatting-coarse-int8.toml'}" in done.output
    assert Recipe.read(out / "fastdeepmatting-coarse-int8.toml").init == str(weights.resolve())


@quiet
def test_the_recipe_that_export_writes_trains(tmp_path):
    _, data = written(tmp_path)
    weights = tmp_path / "fastdeepmatting-coarse.safetensors"
    (tmp_path / "out").mkdir()
    path = write_recipe(tmp_path / "out", weights, read_about(weights), [rung("weights")])
    made = train(path, data, tmp_path / "run", limit_steps=2, accelerator="cpu", progress=False)
    assert read_about(made).quantise_aware
    assert json.loads(made.with_suffix(".json").read_text())["precision"] == "32-true"
