"""DenseASPP and its trunks: strides that keep the weights, a chain that sees far, public checkpoints."""

import pytest
import torch
from torch import nn

from fastportrait.nets import ZOO
from fastportrait.nets.denseaspp import MobileTrunk, OnDenseNet, OnMobileNetV2, Phone, Pyramid
from fastportrait.nets.densenet import D121, D161, DenseNet, Depth, Trunk, from_torchvision
from fastportrait.nets.weights import About, save, start_from

TINY = Depth((1, 1, 1, 1), growth=8, stem=16)


def torchvision_names(depth):
    """The names and shapes of torchvision's DenseNet, from its documented layout."""
    shapes = {}

    def norm(at, c):
        shapes.update({f"{at}.{leaf}": (c,) for leaf in ("weight", "bias", "running_mean", "running_var")})
        shapes[f"{at}.num_batches_tracked"] = ()

    c = depth.stem
    shapes["features.conv0.weight"] = (c, 3, 7, 7)
    norm("features.norm0", c)
    for block, n in enumerate(depth.layers, start=1):
        for layer in range(1, n + 1):
            at = f"features.denseblock{block}.denselayer{layer}"
            norm(f"{at}.norm1", c)
            shapes[f"{at}.conv1.weight"] = (4 * depth.growth, c, 1, 1)
            norm(f"{at}.norm2", 4 * depth.growth)
            shapes[f"{at}.conv2.weight"] = (depth.growth, 4 * depth.growth, 3, 3)
            c += depth.growth
        if block < 4:
            norm(f"features.transition{block}.norm", c)
            shapes[f"features.transition{block}.conv.weight"] = (c // 2, c, 1, 1)
            c //= 2
    norm("features.norm5", c)
    return shapes | {"classifier.weight": (1000, c), "classifier.bias": (1000,)}


@pytest.mark.parametrize("depth", [D121, D161], ids=["121", "161"])
def test_torchvisions_checkpoint_fills_every_layer(depth):
    with torch.device("meta"):
        theirs = {name: torch.empty(shape) for name, shape in torchvision_names(depth).items()}
        net = DenseNet(depth)
    ours = from_torchvision(theirs, depth)
    wanted = {name: value.shape for name, value in net.state_dict().items() if "num_batches" not in name}
    assert {name: value.shape for name, value in ours.items()} == wanted


def test_torchvisions_names_mean_the_same_layers():
    theirs = {name: torch.zeros(1) for name in torchvision_names(D121)}
    places = (
        ("features.denseblock2.denselayer3.norm1.weight", "trunk.blocks.1.2.body.0.weight"),
        ("features.denseblock2.denselayer3.conv2.weight", "trunk.blocks.1.2.body.5.weight"),
        ("features.transition3.conv.weight", "trunk.transitions.2.2.weight"),
        ("features.norm5.bias", "norm.bias"),
    )
    for i, (there, _) in enumerate(places, start=1):
        theirs[there] = torch.tensor(float(i))
    as_in_the_files = "features.denseblock2.denselayer3.conv.2.weight"
    theirs[as_in_the_files] = theirs.pop("features.denseblock2.denselayer3.conv2.weight")
    ours = from_torchvision(theirs)
    assert [ours[here].item() for _, here in places] == [1, 2, 3, 4]
    with pytest.raises(ValueError, match=r"'features\.transition4\.conv\.weight' is no layer"):
        from_torchvision({"features.transition4.conv.weight": torch.rand(1)})
    del theirs[as_in_the_files]
    with pytest.raises(ValueError, match=r"has no features\.denseblock2\.denselayer3\.conv2\.weight"):
        from_torchvision(theirs)


def test_the_mask_starts_from_the_classifier_but_for_what_that_does_not_have(tmp_path):
    torch.manual_seed(0)
    classifier, net = DenseNet(TINY, classes=2), OnDenseNet(TINY)
    save(classifier, About("densenet", (224, 224)), tmp_path / "c.safetensors")
    filled = start_from(net, "denseaspp", tmp_path / "c.safetensors")
    assert torch.equal(net.trunk.blocks[3][0].body[5].weight, classifier.trunk.blocks[3][0].body[5].weight)
    fresh = {name.split(".")[0] for name in net.state_dict()} - {name.split(".")[0] for name in filled}
    assert fresh == {"neck", "pyramid"}


@pytest.mark.parametrize(
    "trunk", [lambda stride: Trunk(D121, stride), MobileTrunk], ids=["densenet", "mobile"]
)
def test_a_finer_stride_keeps_the_weights_and_enlarges_the_map(trunk):
    with torch.device("meta"):
        coarse, fine = trunk(16), trunk(8)
        image = torch.rand(1, 3, 64, 96)
        assert coarse(image).shape == (1, coarse.channels, 4, 6)
        assert fine(image).shape == (1, fine.channels, 8, 12)
    assert list(coarse.state_dict()) == list(fine.state_dict())


def test_at_stride_8_blocks_3_and_4_are_dilated_by_2_and_4():
    with torch.device("meta"):
        trunk = Trunk(TINY, stride=8)
    assert [block[0].body[5].dilation[0] for block in trunk.blocks] == [1, 1, 2, 4]


def test_the_authors_mobilenetv2_dilates_by_2_and_no_more_and_always_expands():
    with torch.device("meta"):
        trunk = MobileTrunk(stride=8)
    filters = [block.body[1][0] for block in list(trunk)[1:]]
    assert [conv.dilation[0] for conv in filters] == [1] * 6 + [2] * 11
    assert [len(block.body) for block in list(trunk)[1:]] == [3] * 17
    assert trunk[1].body[0][0].weight.shape == (32, 32, 1, 1)


def test_the_chain_sees_127_places():
    torch.manual_seed(0)
    pyramid = Pyramid(2, d0=2, d1=2).eval()
    for conv in pyramid.modules():
        if isinstance(conv, nn.Conv2d):
            nn.init.constant_(conv.weight, 0.1)  # no ReLU cuts the way off
    x = torch.ones(1, 2, 1, 161, requires_grad=True)
    pyramid(x)[0, 0, 0, 80].backward()
    seen = x.grad[0, 0, 0].nonzero().flatten()
    assert (int(seen[0]), int(seen[-1])) == (80 - 63, 80 + 63)  # 1 + 2 (3 + 6 + 12 + 18 + 24)


def test_what_is_new_comes_in_front_and_the_input_has_passed_a_relu():
    pyramid = Pyramid(2, d0=2, d1=1, rates=(1,)).eval()
    seen = []
    pyramid.score.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    x = torch.tensor([3.0, -3.0]).view(1, 2, 1, 1)
    pyramid(x)
    assert seen[0].shape[1] == 3
    assert seen[0][0, 1:].flatten().tolist() == [3.0, 0.0]


def test_the_first_layer_has_no_norm_and_all_norms_forget_slowly():
    pyramid = Pyramid(32, 16, 8)
    norms = [[m for m in layer if isinstance(m, nn.BatchNorm2d)] for layer in pyramid.layers]
    assert [len(of_layer) for of_layer in norms] == [1, 2, 2, 2, 2]
    assert {norm.momentum for of_layer in norms for norm in of_layer} == {0.0003}
    assert [layer[-2].dilation[0] for layer in pyramid.layers] == [3, 6, 12, 18, 24]


def test_the_small_ones_start_from_one_another(tmp_path):
    torch.manual_seed(0)
    big, phone = OnMobileNetV2(), Phone()
    save(big, About("denseaspp-mobilenetv2", (256, 256)), tmp_path / "w.safetensors")
    start_from(phone, "denseaspp-phone", tmp_path / "w.safetensors")
    assert torch.equal(phone.trunk[17].body[0][0].weight, big.trunk[17].body[0][0].weight)
    assert (ZOO["denseaspp-phone"].build().multiple, phone.enlarge(torch.zeros(1, 1, 4, 6)).shape) == (
        16,
        (1, 1, 64, 96),
    )
