"""The zoo: every network, by the name one types."""

from . import (
    mobilenetv2,
    mobilenetv3,
    modnet,
    pphumanseg,
    rvm,
    topdown,
)

MODULES = (
    topdown,
    mobilenetv2,
    pphumanseg,
    modnet,
    rvm,
    mobilenetv3,
)
ZOO = {card.name: card for module in MODULES for card in module.CARDS}
