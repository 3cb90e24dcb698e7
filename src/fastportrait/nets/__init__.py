"""The zoo: every network, by the name one types."""

from . import (
    erfnet,
    espnet,
    icnet,
    mobilenetv2,
    portraitnet,
    topdown,
)

MODULES = (
    topdown,
    mobilenetv2,
    erfnet,
    icnet,
    espnet,
    portraitnet,
)
ZOO = {card.name: card for module in MODULES for card in module.CARDS}
