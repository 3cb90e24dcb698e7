"""The zoo: every network, by the name one types."""

from . import (
    mobilenetv2,
    resnet,
    topdown,
    xception,
)

MODULES = (
    topdown,
    mobilenetv2,
    xception,
    resnet,
)
ZOO = {card.name: card for module in MODULES for card in module.CARDS}
