import pytest
import torch

from fastportrait.nets.resnet import (
    RESNET50,
    RESNET101,
    DeepStem,
    ResNet,
    Trunk,
    from_torchvision,
)


def torchvision_state(blocks):
    """Names and shapes as torchvision documents them, on the meta device."""
    shapes = {"conv1.weight": (64, 3, 7, 7), "fc.weight": (1000, 2048), "fc.bias": (1000,)}
    norms = {"bn1": 64}
    c_in = 64
    for stage, (n, width) in enumerate(zip(blocks, (64, 128, 256, 512), strict=True), start=1):
        for i in range(n):
            name = f"layer{stage}.{i}"
            shapes[f"{name}.conv1.weight"] = (width, c_in, 1, 1)
            shapes[f"{name}.conv2.weight"] = (width, width, 3, 3)
            shapes[f"{name}.conv3.weight"] = (4 * width, width, 1, 1)
            norms |= {f"{name}.bn1": width, f"{name}.bn2": width, f"{name}.bn3": 4 * width}
            if i == 0:
                shapes[f"{name}.downsample.0.weight"] = (4 * width, c_in, 1, 1)
                norms[f"{name}.downsample.1"] = 4 * width
            c_in = 4 * width
    for name, width in norms.items():
        shapes |= {f"{name}.{leaf}": (width,) for leaf in ("weight", "bias", "running_mean", "running_var")}
        shapes[f"{name}.num_batches_tracked"] = ()
    return {name: torch.empty(shape, device="meta") for name, shape in shapes.items()}


@pytest.mark.parametrize("blocks", [RESNET50, RESNET101], ids=["50", "101"])
def test_a_public_checkpoint_fills_every_layer(blocks):
    with torch.device("meta"):
        wanted = ResNet(blocks).state_dict()
    given = from_torchvision(torchvision_state(blocks), blocks)
    wanted = {name: v.shape for name, v in wanted.items() if not name.endswith("num_batches_tracked")}
    assert {name: v.shape for name, v in given.items()} == wanted


def test_a_deeper_checkpoint_is_refused_by_name():
    with pytest.raises(ValueError, match=r"'layer3\.6\.conv1\.weight' is no layer of a ResNet"):
        from_torchvision(torchvision_state(RESNET101), RESNET50)


@pytest.mark.parametrize(
    ("output_stride", "sides"), [(32, (32, 16, 8, 4, 2)), (16, (32, 16, 8, 4, 4)), (8, (32, 16, 8, 8, 8))]
)
def test_no_map_is_coarser_than_the_output_stride(output_stride, sides):
    with torch.device("meta"):
        features = Trunk(RESNET50, output_stride)(torch.empty(1, 3, 64, 64))
    assert tuple(f.shape[-1] for f in features) == sides
    assert [f.shape[1] for f in features] == [64, 256, 512, 1024, 2048]


@pytest.mark.parametrize(
    ("output_stride", "conv4", "conv5"), [(32, 1, (1, 2, 4)), (16, 1, (2, 4, 8)), (8, 2, (4, 8, 16))]
)
def test_multi_grid_multiplies_the_rate_that_stands_for_the_lost_strides(output_stride, conv4, conv5):
    with torch.device("meta"):
        stages = Trunk(RESNET50, output_stride, multigrid=(1, 2, 4)).stages
    assert [block.body[1][0].dilation[0] for block in stages[3]] == list(conv5)
    assert [block.body[1][0].dilation[0] for block in stages[2]] == [conv4] * 6


def test_the_deep_stem_halves_once_and_is_twice_as_wide():
    with torch.device("meta"):
        features = Trunk(RESNET50, stem=DeepStem)(torch.empty(1, 3, 64, 64))
    assert features[0].shape == (1, 128, 32, 32)
    assert features[1].shape == (1, 256, 16, 16)
