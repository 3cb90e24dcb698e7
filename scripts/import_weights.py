"""Public checkpoints -> safetensors: `python scripts/import_weights.py mobilenetv2 FILE.pth`.

All are ImageNet weights in torchvision's layout, or of EfficientNet-Lite in that of its PyTorch port; of
vgg16_bn SegNet's trunk alone is taken. Nothing is skipped: a key that has no place is an error, and so is a
layer that gets none. Pickled checkpoints are read as plain tensors only (`weights_only=True`).
"""

import argparse
from functools import partial
from pathlib import Path

import torch

from fastportrait.nets import (
    densenet,
    efficientnetlite,
    mobilenetv2,
    mobilenetv3,
    resnet,
    segnet,
    shufflenetv2,
)
from fastportrait.nets.weights import About, save

# The network that takes them, by its name among the published builds (a card's name would promise a portrait
# network), and how its layers are renamed.
LAYOUTS = {
    "mobilenetv2": ("mobilenetv2-1.0", mobilenetv2.MobileNetV2, mobilenetv2.from_torchvision),
    "shufflenetv2": ("shufflenetv2-1.0", shufflenetv2.ShuffleNetV2, shufflenetv2.from_torchvision),
    "mobilenetv3-large": (
        "mobilenetv3-large",
        partial(mobilenetv3.MobileNetV3, mobilenetv3.LARGE, 1280),
        mobilenetv3.from_torchvision,
    ),
    "mobilenetv3-small": (
        "mobilenetv3-small-1.0",
        partial(mobilenetv3.MobileNetV3, mobilenetv3.SMALL, 1024),
        partial(mobilenetv3.from_torchvision, rows=mobilenetv3.SMALL),
    ),
    "efficientnetlite2": (
        "efficientnetlite2",
        partial(efficientnetlite.EfficientNetLite, *efficientnetlite.LITE2),
        partial(efficientnetlite.from_tensorflow_port, width=1.1, depth=1.2),
    ),
    "resnet50": ("resnet50", resnet.ResNet, resnet.from_torchvision),
    "resnet101": (
        "resnet101",
        partial(resnet.ResNet, resnet.RESNET101),
        partial(resnet.from_torchvision, blocks=resnet.RESNET101),
    ),
    "densenet121": ("densenet121", densenet.DenseNet, densenet.from_torchvision),
    "vgg16_bn": ("vgg16_bn", segnet.VGG16, segnet.from_torchvision),
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("layout", choices=LAYOUTS)
    parser.add_argument("file", type=Path)
    parser.add_argument("-o", "--out", type=Path, help="default: recipes/LAYOUT-imagenet.safetensors")
    args = parser.parse_args()

    out = args.out or Path(f"recipes/{args.layout}-imagenet.safetensors")
    name, build, from_torchvision = LAYOUTS[args.layout]
    net = build()
    state = from_torchvision(torch.load(args.file, map_location="cpu", weights_only=True))
    counters = {
        name: value for name, value in net.state_dict().items() if name.endswith("num_batches_tracked")
    }
    net.load_state_dict({**counters, **state})
    save(net, About(name, (224, 224), data=("ImageNet-1k",), terms="as the checkpoint's source states"), out)
    print(f"{out}: {len(state)} tensors")


if __name__ == "__main__":
    main()
