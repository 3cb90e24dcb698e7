"""The zoo: every network, by the name one types."""

from . import (
    condensenet,
    denseaspp,
    densenet,
    mobilenetv2,
    topdown,
)

MODULES = (
    topdown,
    mobilenetv2,
    condensenet,
    densenet,
    denseaspp,
)
ZOO = {card.name: card for module in MODULES for card in module.CARDS}
