"""Public checkpoints -> safetensors: `python scripts/import_weights.py mobilenetv2 FILE.pth -o OUT`.

`mobilenetv2`: ImageNet weights in torchvision's layout. Nothing is skipped: a key that has no place is an
error, and so is a layer that gets none. Pickled checkpoints are read as plain tensors only
(`weights_only=True`).
"""

import argparse
from pathlib import Path

import torch

from fastportrait.nets.mobilenetv2 import MobileNetV2, from_torchvision
from fastportrait.nets.weights import About, save


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("layout", choices=["mobilenetv2"])
    parser.add_argument("file", type=Path)
    parser.add_argument("-o", "--out", type=Path, default=Path("recipes/mobilenetv2-imagenet.safetensors"))
    args = parser.parse_args()

    net = MobileNetV2()
    state = from_torchvision(torch.load(args.file, map_location="cpu", weights_only=True))
    counters = {
        name: value for name, value in net.state_dict().items() if name.endswith("num_batches_tracked")
    }
    net.load_state_dict({**counters, **state})
    save(
        net,
        About("mobilenetv2", (224, 224), data=("ImageNet-1k",), terms="as the checkpoint's source states"),
        args.out,
    )
    print(f"{args.out}: {len(state)} tensors")


if __name__ == "__main__":
    main()
