"""`python -m fastportrait`: the same as the command `fastportrait`."""

from .cli import main

main()
