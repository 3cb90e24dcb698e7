"""The zoo: every network, by the name one types."""

from . import (
    enet,
    mobilenetv2,
    segnet,
    topdown,
    unet,
)

MODULES = (
    topdown,
    mobilenetv2,
    unet,
    enet,
    segnet,
)
ZOO = {card.name: card for module in MODULES for card in module.CARDS}
