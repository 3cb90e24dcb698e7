"""ShuffleNetV2: the half that passes by, the dilated trunk, torchvision's checkpoints."""

import pytest
import torch

from fastportrait.nets.shufflenetv2 import WIDTHS, ShuffleNetV2, Trunk, Unit, from_torchvision


def torchvision_names():
    """The names and shapes of torchvision's shufflenet_v2_x1_0, from its documented layout."""
    shapes = {}

    def conv(at, i, c_in, c_out, kernel=1, groups=1):
        shapes[f"{at}.{i}.weight"] = (c_out, c_in // groups, kernel, kernel)
        norm = f"{at}.{i + 1}"
        shapes.update(
            {f"{norm}.{leaf}": (c_out,) for leaf in ("weight", "bias", "running_mean", "running_var")}
        )
        shapes[f"{norm}.num_batches_tracked"] = ()

    conv("conv1", 0, 3, 24, 3)
    c_in = 24
    for stage, c, units in ((2, 116, 4), (3, 232, 8), (4, 464, 4)):
        for unit in range(units):
            at, half = f"stage{stage}.{unit}", c // 2
            if unit == 0:
                conv(f"{at}.branch1", 0, c_in, c_in, 3, groups=c_in)
                conv(f"{at}.branch1", 2, c_in, half)
            conv(f"{at}.branch2", 0, c_in if unit == 0 else half, half)
            conv(f"{at}.branch2", 3, half, half, 3, groups=half)
            conv(f"{at}.branch2", 5, half, half)
        c_in = c
    conv("conv5", 0, 464, 1024)
    return shapes | {"fc.weight": (1000, 1024), "fc.bias": (1000,)}


def test_torchvisions_checkpoint_fills_every_layer():
    torch.manual_seed(0)
    theirs = {name: torch.rand(shape) for name, shape in torchvision_names().items()}
    ours = from_torchvision(theirs)
    net = ShuffleNetV2()
    wanted = {name: value.shape for name, value in net.state_dict().items() if "num_batches" not in name}
    assert {name: value.shape for name, value in ours.items()} == wanted
    assert torch.equal(ours["trunk.stages.1.0.left.1.0.weight"], theirs["stage3.0.branch1.2.weight"])
    assert torch.equal(ours["trunk.stages.2.3.right.1.0.weight"], theirs["stage4.3.branch2.3.weight"])
    with pytest.raises(ValueError, match=r"'stage5\.0\.branch2\.0\.weight' is no layer"):
        from_torchvision({"stage5.0.branch2.0.weight": torch.zeros(1)})


def test_half_of_the_channels_pass_by_and_are_mixed_with_the_others():
    torch.manual_seed(0)
    unit, x = Unit(8).eval(), torch.rand(1, 8, 5, 5)
    y = unit(x)
    assert torch.equal(y[:, ::2], x[:, :4])
    torch.testing.assert_close(y[:, 1::2], unit.right(x[:, 4:]))


def test_the_dilated_trunk_takes_the_same_weights_and_agrees_where_the_strided_one_looks():
    torch.manual_seed(0)
    strided, dilated = Trunk(WIDTHS[0.5]).eval(), Trunk(WIDTHS[0.5], dilated=True).eval()
    dilated.load_state_dict(strided.state_dict())
    image = torch.randn(1, 3, 96, 64)
    with torch.no_grad():
        few, many = strided(image), dilated(image)
    assert [96 // f.shape[2] for f in few] == [2, 4, 8, 16, 32]
    assert [96 // f.shape[2] for f in many] == [2, 4, 8, 16, 16]
    scale = few[-1].abs().max()
    torch.testing.assert_close(many[-1][..., ::2, ::2] / scale, few[-1] / scale, rtol=0, atol=1e-4)
