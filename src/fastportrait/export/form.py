"""The form that every format takes: image (1, 3, h, w) in, alpha (1, 1, h, w) out."""

from torch import Tensor, nn

from ..nets.network import Network


class Alpha(nn.Module):
    """logit -> alpha in [0, 1]: what a phone wants."""

    def __init__(self, net: Network) -> None:
        super().__init__()
        self.net = net

    def forward(self, image: Tensor) -> Tensor:
        return self.net(image).sigmoid()


def phone_form(net: Network) -> Alpha:
    """`net` (any form: it is deployed here) with its sigmoid, in evaluation mode."""
    form = Alpha(net.deploy()).eval()
    for parameter in form.parameters():
        parameter.requires_grad_(False)
    return form
