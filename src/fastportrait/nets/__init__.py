"""The zoo: every network, by the name one types."""

from . import (
    mobilenetv1,
    condensenet,
    denseaspp,
    densenet,
    mobilenetv2,
    shufflenetv1,
    shufflenetv2,
    shuffleseg,
    enet,
    mobilenetv2,
    segnet,
    erfnet,
    espnet,
    icnet,
    mobilenetv2,
    portraitnet,
    topdown,
    unet,
)

MODULES = (
    topdown,
    mobilenetv1,
    mobilenetv2,
    shufflenetv1,
    shufflenetv2,
    shuffleseg,
    condensenet,
    densenet,
    denseaspp,
    unet,
    enet,
    segnet,
    erfnet,
    icnet,
    espnet,
    portraitnet,
)
ZOO = {card.name: card for module in MODULES for card in module.CARDS}
