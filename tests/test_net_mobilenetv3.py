"""MobileNetV3: the output stride, the reduced tail, public checkpoints, and LR-ASPP."""

import pytest
import torch

from fastportrait.nets.heads import LRASPP
from fastportrait.nets.mobilenetv3 import LARGE, SMALL, Gate, MobileNetV3, Trunk, from_torchvision, reduced


def torchvision_names(table, last, hidden):
    """The names and shapes of torchvision's MobileNetV3, from its documented layout.

    `table`: (kernel, expanded, out, hidden of the gate or 0) a block.
    """
    shapes = {}

    def conv(at, c_in, c_out, kernel, groups=1):
        shapes[f"{at}.0.weight"] = (c_out, c_in // groups, kernel, kernel)
        shapes.update(
            {f"{at}.1.{leaf}": (c_out,) for leaf in ("weight", "bias", "running_mean", "running_var")}
        )
        shapes[f"{at}.1.num_batches_tracked"] = ()

    def linear(at, c_in, c_out, *kernel):
        shapes[f"{at}.weight"] = (c_out, c_in, *kernel)
        shapes[f"{at}.bias"] = (c_out,)

    conv("features.0", 3, 16, 3)
    c_in = 16
    for i, (kernel, expanded, out, gate) in enumerate(table, start=1):
        j = 0
        if expanded != c_in:
            conv(f"features.{i}.block.0", c_in, expanded, 1)
            j = 1
        conv(f"features.{i}.block.{j}", expanded, expanded, kernel, groups=expanded)
        if gate:
            linear(f"features.{i}.block.{j + 1}.fc1", expanded, gate, 1, 1)
            linear(f"features.{i}.block.{j + 1}.fc2", gate, expanded, 1, 1)
            j += 1
        conv(f"features.{i}.block.{j + 1}", expanded, out, 1)
        c_in = out
    conv(f"features.{len(table) + 1}", c_in, last, 1)
    linear("classifier.0", last, hidden)
    linear("classifier.3", hidden, 1000)
    return shapes


THEIR_LARGE = (
    *((3, 16, 16, 0), (3, 64, 24, 0), (3, 72, 24, 0), (5, 72, 40, 24), (5, 120, 40, 32), (5, 120, 40, 32)),
    *((3, 240, 80, 0), (3, 200, 80, 0), (3, 184, 80, 0), (3, 184, 80, 0), (3, 480, 112, 120)),
    *((3, 672, 112, 168), (5, 672, 160, 168), (5, 960, 160, 240), (5, 960, 160, 240)),
)
THEIR_SMALL = (
    *((3, 16, 16, 8), (3, 72, 24, 0), (3, 88, 24, 0), (5, 96, 40, 24), (5, 240, 40, 64), (5, 240, 40, 64)),
    *((5, 120, 48, 32), (5, 144, 48, 40), (5, 288, 96, 72), (5, 576, 96, 144), (5, 576, 96, 144)),
)


@pytest.mark.parametrize(
    ("rows", "theirs", "last", "hidden"),
    [(LARGE, THEIR_LARGE, 960, 1280), (SMALL, THEIR_SMALL, 576, 1024)],
    ids=["large", "small"],
)
def test_torchvisions_checkpoint_fills_every_layer(rows, theirs, last, hidden):
    documented = torchvision_names(theirs, last, hidden)
    with torch.device("meta"):
        net = MobileNetV3(rows, hidden)
        ours = from_torchvision({name: torch.empty(shape) for name, shape in documented.items()}, rows)
    wanted = {name: value.shape for name, value in net.state_dict().items() if "num_batches" not in name}
    assert {name: value.shape for name, value in ours.items()} == wanted


def test_a_key_of_another_network_is_refused():
    documented = torchvision_names(THEIR_LARGE, 960, 1280)
    with torch.device("meta"):
        state = {name: torch.empty(shape) for name, shape in documented.items()}
    value = torch.rand(24, 72, 1, 1)
    ours = from_torchvision(state | {"features.4.block.2.fc1.weight": value})
    assert ours["trunk.stages.2.0.body.2.squeeze.weight"] is value
    with pytest.raises(ValueError, match=r"'features\.1\.block\.1\.fc1\.weight' is no layer"):
        from_torchvision(state | {"features.1.block.1.fc1.weight": value})  # in the small one it is
    del state["features.0.0.weight"]
    with pytest.raises(ValueError, match=r"the checkpoint has no features\.0\.0\.weight"):
        from_torchvision(state)


@pytest.mark.parametrize(
    ("rows", "channels"), [(LARGE, [16, 24, 40, 112, 960]), (SMALL, [16, 16, 24, 48, 576])]
)
def test_the_trunk_gives_one_map_a_stride(rows, channels):
    image = torch.rand(1, 3, 64, 96)
    for output_stride, last in ((32, (2, 3)), (16, (4, 6))):
        trunk = Trunk(rows, output_stride).eval()
        features = trunk(image)
        assert [f.shape[1] for f in features] == channels == trunk.channels
        assert [tuple(f.shape[2:]) for f in features] == [(32, 48), (16, 24), (8, 12), (4, 6), last]


def test_a_dilated_trunk_sees_what_the_strided_one_saw():
    torch.manual_seed(0)
    rows = tuple(row._replace(gate=False) for row in LARGE)  # a gate's mean changes with what it averages
    strided, dilated = Trunk(rows).eval(), Trunk(rows, output_stride=16).eval()
    dilated.load_state_dict(strided.state_dict())
    image = torch.rand(1, 3, 128, 128)
    with torch.no_grad():
        torch.testing.assert_close(dilated(image)[-1][:, :, ::2, ::2], strided(image)[-1])


def test_the_reduced_tail_halves_what_lies_at_the_coarsest_stride():
    assert reduced(LARGE)[:12] == LARGE[:12]
    assert [(row.expanded, row.out) for row in reduced(LARGE)[12:]] == [(672, 80), (480, 80), (480, 80)]
    assert [(row.expanded, row.out) for row in reduced(SMALL)[8:]] == [(288, 48), (288, 48), (288, 48)]
    with torch.device("meta"):
        assert Trunk(reduced(LARGE)).channels[-1] == 480


def test_a_gate_without_a_bias_to_open_it_halves_every_channel():
    gate = Gate(16)
    for p in gate.parameters():
        torch.nn.init.zeros_(p)
    x = torch.rand(2, 16, 4, 4)
    torch.testing.assert_close(gate(x), x / 2)


def test_lraspp_adds_the_scores_of_the_fine_map_to_those_of_the_coarse_one():
    torch.manual_seed(0)
    head = LRASPP(fine=24, coarse=48, classes=2).eval()
    fine, coarse = torch.rand(1, 24, 8, 12), torch.rand(1, 48, 4, 6)
    with torch.no_grad():
        scores = head(fine, coarse)
        assert scores.shape == (1, 2, 8, 12)
        torch.testing.assert_close(
            scores - head(torch.zeros_like(fine), coarse),
            head.score_fine(fine) - head.score_fine.bias.view(1, 2, 1, 1),
        )
