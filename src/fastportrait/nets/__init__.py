"""The zoo: every network, by the name one types."""

from . import (
    erfnet,
    espnet,
    icnet,
    mobilenetv2,
    topdown,
)

MODULES = (
    topdown,
    mobilenetv2,
    erfnet,
    icnet,
    espnet,
)
ZOO = {card.name: card for module in MODULES for card in module.CARDS}
