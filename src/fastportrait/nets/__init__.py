"""The zoo: every network, by the name one types."""

from . import (
    bisenetv2,
    extremec3net,
    fastscnn,
    fastvit,
    mobilenetv2,
    mobileone,
    pidnet,
    seaformer,
    sinet,
    topdown,
    topformer,
)

MODULES = (
    topdown,
    mobilenetv2,
    extremec3net,
    sinet,
    fastscnn,
    bisenetv2,
    pidnet,
    mobileone,
    fastvit,
    topformer,
    seaformer,
)
ZOO = {card.name: card for module in MODULES for card in module.CARDS}
