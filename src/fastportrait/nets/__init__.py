"""The zoo: every network, by the name one types."""

from . import (
    fastdeepmatting,
    mobilenetv2,
    skipnet,
    topdown,
)

MODULES = (
    topdown,
    mobilenetv2,
    skipnet,
    fastdeepmatting,
)
ZOO = {card.name: card for module in MODULES for card in module.CARDS}
