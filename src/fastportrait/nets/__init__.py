"""The zoo: every network, by the name one types."""

from . import (
    erfnet,
    espnet,
    mobilenetv2,
    topdown,
)

MODULES = (
    topdown,
    mobilenetv2,
    erfnet,
    espnet,
)
ZOO = {card.name: card for module in MODULES for card in module.CARDS}
