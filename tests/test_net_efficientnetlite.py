"""EfficientNet-Lite: scaling, and public checkpoints. (Counts: tests/test_nets.py.)"""

import pytest
import torch

from fastportrait.nets import ZOO
from fastportrait.nets.efficientnetlite import LITE2, EfficientNetLite, from_tensorflow_port, stages
from fastportrait.nets.weights import About, save, start_from


def test_lite2_is_wider_and_deeper_but_for_the_first_and_the_last_stage():
    rows = stages(*LITE2)
    assert [len(stage) for stage in rows] == [1, 3, 3, 8, 6]
    assert [stage[-1].channels for stage in rows] == [16, 24, 48, 120, 352]
    assert [[row.stride for row in stage].count(2) for stage in rows] == [0, 1, 1, 1, 1]


def ported(net: EfficientNetLite) -> dict[str, torch.Tensor]:
    """`net`'s weights under the names of the checkpoints' port, in its order of blocks."""
    there = {"trunk.stages.0.0.0": "_conv_stem", "trunk.stages.0.0.1": "_bn0"}
    there |= {"last.0": "_conv_head", "last.1": "_bn1", "classifier.1": "_fc"}
    index = 0
    for i, stage in enumerate(net.trunk.stages):
        for j, block in enumerate(stage):
            if not hasattr(block, "body"):
                continue
            convs = ["_depthwise_conv", "_project_conv"]
            convs = convs if len(block.body) == 2 else ["_expand_conv", *convs]
            for k, conv in enumerate(convs):
                norm = {"_expand_conv": "_bn0", "_depthwise_conv": "_bn1", "_project_conv": "_bn2"}[conv]
                there[f"trunk.stages.{i}.{j}.body.{k}.0"] = f"_blocks.{index}.{conv}"
                there[f"trunk.stages.{i}.{j}.body.{k}.1"] = f"_blocks.{index}.{norm}"
            index += 1
    return {
        f"{there[layer]}.{leaf}": value
        for key, value in net.state_dict().items()
        for layer, _, leaf in [key.rpartition(".")]
    }


def test_a_checkpoint_is_renamed_whole_and_starts_the_portrait_network(tmp_path):
    torch.manual_seed(0)
    classifier = EfficientNetLite(*LITE2, classes=2)
    state = ported(classifier)
    renamed = from_tensorflow_port(state, *LITE2)
    wanted = {k: v for k, v in classifier.state_dict().items() if not k.endswith("num_batches_tracked")}
    assert renamed.keys() == wanted.keys()
    assert all(torch.equal(renamed[key], wanted[key]) for key in wanted)

    save(classifier, About("efficientnetlite2", (260, 260)), tmp_path / "c.safetensors")
    net = ZOO["teacher"].build()
    filled = start_from(net, "teacher", tmp_path / "c.safetensors")
    assert set(filled) == {key for key in net.state_dict() if key.startswith("trunk.")}

    with pytest.raises(ValueError, match="_fc_2"):
        from_tensorflow_port({**state, "_fc_2.weight": torch.zeros(1)}, *LITE2)
    del state["_blocks.3._bn1.weight"]
    with pytest.raises(ValueError, match=r"_blocks\.3\._bn1"):
        from_tensorflow_port(state, *LITE2)
