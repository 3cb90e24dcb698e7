"""The zoo: every network, by the name one types."""

from . import (
    bisenetv2,
    extremec3net,
    fastscnn,
    mobilenetv2,
    mobileone,
    sinet,
    topdown,
)

MODULES = (
    topdown,
    mobilenetv2,
    extremec3net,
    sinet,
    fastscnn,
    bisenetv2,
    mobileone,
)
ZOO = {card.name: card for module in MODULES for card in module.CARDS}
