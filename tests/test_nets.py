"""Trunks, public checkpoints, and files of weights."""

import pytest
import torch

from fastportrait.nets import ZOO
from fastportrait.nets.mobilenetv2 import MobileNetV2, Trunk, from_torchvision
from fastportrait.nets.weights import About, load, save, start_from
from zoo import settled


def torchvision_names():
    """The names and shapes of torchvision's MobileNetV2, from its documented layout."""
    shapes = {}

    def conv(at, c_in, c_out, kernel, groups=1):
        shapes[f"{at}.weight"] = (c_out, c_in // groups, kernel, kernel)

    def norm(at, c):
        shapes.update({f"{at}.{leaf}": (c,) for leaf in ("weight", "bias", "running_mean", "running_var")})
        shapes[f"{at}.num_batches_tracked"] = ()

    conv("features.0.0", 3, 32, 3)
    norm("features.0.1", 32)
    c_in, i = 32, 1
    for t, c, n in ((1, 16, 1), (6, 24, 2), (6, 32, 3), (6, 64, 4), (6, 96, 3), (6, 160, 3), (6, 320, 1)):
        for _ in range(n):
            at, mid, j = f"features.{i}.conv", c_in * t, 0
            if t > 1:
                conv(f"{at}.0.0", c_in, mid, 1)
                norm(f"{at}.0.1", mid)
                j = 1
            conv(f"{at}.{j}.0", mid, mid, 3, groups=mid)
            norm(f"{at}.{j}.1", mid)
            conv(f"{at}.{j + 1}", mid, c, 1)
            norm(f"{at}.{j + 2}", c)
            c_in, i = c, i + 1
    conv("features.18.0", 320, 1280, 1)
    norm("features.18.1", 1280)
    return shapes | {"classifier.1.weight": (1000, 1280), "classifier.1.bias": (1000,)}


def test_torchvisions_checkpoint_fills_every_layer():
    torch.manual_seed(0)
    theirs = {name: torch.rand(shape) for name, shape in torchvision_names().items()}
    ours = from_torchvision(theirs)
    net = MobileNetV2()
    wanted = {name: value.shape for name, value in net.state_dict().items() if "num_batches" not in name}
    assert {name: value.shape for name, value in ours.items()} == wanted
    assert torch.equal(ours["trunk.stages.1.0.body.1.0.weight"], theirs["features.2.conv.1.0.weight"])
    with pytest.raises(ValueError, match=r"'features\.19\.0\.weight' is no layer"):
        from_torchvision({"features.19.0.weight": torch.zeros(1)})


def test_a_saved_network_loads_by_itself(tmp_path):
    net = settled(ZOO["small"])
    save(net, About("small", (256, 256), scores={"val": {"iou": 90.0}}), tmp_path / "w.safetensors")
    again, about = load(tmp_path / "w.safetensors")
    image = torch.rand(1, 3, 64, 64)
    assert torch.equal(net(image), again(image))
    assert about == About("small", (256, 256), scores={"val": {"iou": 90.0}})


def test_half_precision_halves_the_file_and_hardly_moves_the_mask(tmp_path):
    net = settled(ZOO["small"])
    for half in (False, True):
        save(net, About("small", (256, 256)), tmp_path / f"{half}.safetensors", half=half)
    assert (tmp_path / "True.safetensors").stat().st_size < 0.6 * (
        tmp_path / "False.safetensors"
    ).stat().st_size
    image = torch.rand(1, 3, 64, 64)
    again = load(tmp_path / "True.safetensors")[0]
    assert next(again.parameters()).dtype == torch.float32
    torch.testing.assert_close(again(image).sigmoid(), net(image).sigmoid(), rtol=0, atol=5e-3)


def test_a_trunk_starts_from_a_classifier_and_nothing_stays_fresh_unnoticed(tmp_path):
    torch.manual_seed(0)
    classifier = MobileNetV2(classes=2)
    save(classifier, About("mobilenetv2", (224, 224)), tmp_path / "c.safetensors")
    net = ZOO["small"].build()
    filled = start_from(net, "small", tmp_path / "c.safetensors")
    assert {name.split(".")[0] for name in filled} == {"trunk"}
    assert torch.equal(
        net.trunk.stages[3][4].body[0][0].weight, classifier.trunk.stages[3][4].body[0][0].weight
    )

    save(MobileNetV2(classes=2, width=0.5), About("mobilenetv2", (224, 224)), tmp_path / "half.safetensors")
    with pytest.raises(
        ValueError, match=r"trunk\.stages\.0\.0\.0\.weight is \(16, 3, 3, 3\), small needs \(32, 3, 3, 3\)"
    ):
        start_from(net, "small", tmp_path / "half.safetensors")


def test_a_foreign_file_is_refused_with_a_reason(tmp_path):
    from safetensors.torch import save_file

    save_file({"x": torch.zeros(1)}, tmp_path / "w.safetensors")
    with pytest.raises(ValueError, match="does not say which network"):
        load(tmp_path / "w.safetensors")


def test_the_trunk_gives_one_map_a_stride():
    features = Trunk()(torch.rand(1, 3, 64, 96))
    assert [tuple(f.shape[2:]) for f in features] == [(32, 48), (16, 24), (8, 12), (4, 6), (2, 3)]
    assert [f.shape[1] for f in features] == [16, 24, 32, 96, 320]
