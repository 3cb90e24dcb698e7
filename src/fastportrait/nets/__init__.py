"""The zoo: every network, by the name one types."""

from . import topdown

ZOO = {card.name: card for module in (topdown,) for card in module.CARDS}
