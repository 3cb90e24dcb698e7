"""The zoo: every network, by the name one types."""

from . import (
    mobilenetv1,
    condensenet,
    denseaspp,
    densenet,
    mobilenetv2,
    shufflenetv1,
    shufflenetv2,
    shuffleseg,
    topdown,
)

MODULES = (
    topdown,
    mobilenetv1,
    mobilenetv2,
    shufflenetv1,
    shufflenetv2,
    shuffleseg,
    condensenet,
    densenet,
    denseaspp,
)
ZOO = {card.name: card for module in MODULES for card in module.CARDS}
