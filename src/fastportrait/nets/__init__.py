"""The zoo: every network, by the name one types."""

from . import (
    extremec3net,
    mobilenetv2,
    sinet,
    topdown,
)

MODULES = (
    topdown,
    mobilenetv2,
    extremec3net,
    sinet,
)
ZOO = {card.name: card for module in MODULES for card in module.CARDS}
