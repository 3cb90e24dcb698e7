"""The one contract of the zoo: an RGB image in, one mask logit per pixel out."""

from copy import deepcopy
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


class Network(nn.Module):
    """A network of the zoo: image (N, 3, H, W), RGB in [0, 1] -> logit (N, 1, H, W), > 0 is person.

    A subclass writes `forward`, and `outputs` too if its paper trains with helper heads. Modules that only
    the loss needs live in `self.helpers`; `deploy()` drops them. An encoder that another network may start
    from is called `trunk`.
    """

    multiple: int = 32
    """Height and width of the image must be multiples of this."""
    helpers: nn.ModuleDict
    mean: Tensor
    std: Tensor

    def __init__(
        self, mean: tuple[float, ...] = IMAGENET_MEAN, std: tuple[float, ...] = IMAGENET_STD
    ) -> None:
        super().__init__()
        self.helpers = nn.ModuleDict()
        self.register_buffer("mean", torch.tensor(mean).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(3, 1, 1), persistent=False)

    def normalise(self, image: Tensor) -> Tensor:
        """RGB in [0, 1] -> what the paper trained on; inside the network, so that no phone forgets it."""
        return (image - self.mean) / self.std

    def outputs(self, image: Tensor) -> dict[str, Tensor]:
        """What the loss sees: "mask", the logit (N, 1, H, W), and whatever else the paper supervises.

        The name says how it is supervised: "mask_..." is a logit of the mask at any smaller size (deep
        supervision, label guidance), "edge_..." a logit of the mask's edge, "cost_..." a scalar to keep
        small, "policy" (N, 2, G) the log-probabilities and the rewards of G decisions that were drawn for
        each image. A recipe weighs them by these names.
        """
        return {"mask": self(image)}

    def advance(self, progress: float) -> None:
        """Told before each training step how much of the training is done, in [0, 1), for networks that
        change on the way."""

    def deploy(self) -> Self:
        """A copy for phones, equal in output: no helpers, batch norms folded into the convolutions, and each
        block that trains in another form than it runs in replaced by its own `fuse()`."""
        net = deepcopy(self).eval()
        net.helpers = nn.ModuleDict()
        _fuse(net)
        for block in net.modules():
            if isinstance(block, nn.Sequential):
                _fold(block)
        return net


def _fuse(module: nn.Module) -> None:
    """Every block below `module` that has a `fuse() -> nn.Module` gives its place to what that returns."""
    for name, child in module.named_children():
        fuse = getattr(child, "fuse", None)
        if fuse is None:
            _fuse(child)
        else:
            setattr(module, name, fuse().eval())


def _fold(block: nn.Sequential) -> None:
    """A batch norm right behind a convolution becomes part of it."""
    for i, (conv, norm) in enumerate(zip(list(block), list(block)[1:], strict=False)):
        if isinstance(conv, nn.Conv2d | nn.ConvTranspose2d) and isinstance(norm, nn.BatchNorm2d):
            transposed = isinstance(conv, nn.ConvTranspose2d)
            block[i], block[i + 1] = fuse_conv_bn_eval(conv, norm, transposed), nn.Identity()


def check_size(net: Network, size: tuple[int, int]) -> None:
    """Raises `ValueError` naming the size to use where `net` cannot take (height, width)."""
    step = net.multiple
    if any(side % step or side <= 0 for side in size):
        fit = tuple(max(step, round(side / step) * step) for side in size)
        raise ValueError(
            f"{type(net).__name__} needs multiples of {step}, not {size[0]} x {size[1]}: "
            f"use {fit[0]} x {fit[1]}"
        )
