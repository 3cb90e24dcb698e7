"""The zoo: every network, by the name one types."""

from . import (
    deeplabv3,
    deeplabv3plus,
    dfn,
    mobilenetv2,
    resnet,
    topdown,
    xception,
)

MODULES = (
    topdown,
    mobilenetv2,
    xception,
    deeplabv3,
    deeplabv3plus,
    dfn,
    resnet,
)
ZOO = {card.name: card for module in MODULES for card in module.CARDS}
