"""Networks for the tests."""

import torch


def settled(card, seed=0):
    """A network in evaluation mode whose running statistics are not trivial."""
    torch.manual_seed(seed)
    net = card.build().train()
    for _ in range(2):
        with torch.no_grad():
            net(torch.rand(2, 3, *card.smallest))
    return net.eval()
