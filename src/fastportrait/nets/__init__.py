"""The zoo: every network, by the name one types."""

from . import (
    mobilenetv2,
    skipnet,
    topdown,
)

MODULES = (
    topdown,
    mobilenetv2,
    skipnet,
)
ZOO = {card.name: card for module in MODULES for card in module.CARDS}
