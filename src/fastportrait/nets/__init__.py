"""The zoo: every network, by the name one types."""

from . import (
    condensenet,
    deeplabv3,
    deeplabv3plus,
    denseaspp,
    densenet,
    dfn,
    enet,
    erfnet,
    espnet,
    fastdeepmatting,
    icnet,
    mobilenetv1,
    mobilenetv2,
    portraitnet,
    resnet,
    segnet,
    shufflenetv1,
    shufflenetv2,
    shuffleseg,
    skipnet,
    topdown,
    unet,
    xception,
)

MODULES = (
    topdown,
    # the founding nineteen
    mobilenetv1,
    mobilenetv2,
    shufflenetv1,
    shufflenetv2,
    condensenet,
    xception,
    unet,
    skipnet,
    deeplabv3,
    deeplabv3plus,
    fastdeepmatting,
    denseaspp,
    dfn,
    erfnet,
    enet,
    segnet,
    icnet,
    shuffleseg,
    espnet,
    # since then
    portraitnet,
    # trunks alone
    resnet,
    densenet,
)
ZOO = {card.name: card for module in MODULES for card in module.CARDS}
