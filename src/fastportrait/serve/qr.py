"""An address as a QR code made of text, two rows of it a line."""

INK, RESET = "\x1b[30;107m", "\x1b[0m"
"""Black on white, by name: else a dark terminal shows a negative, which many phones don't read."""

QUIET = 4
"""White squares around it, which readers need."""


def qr(text: str) -> str:
    """Lines of half blocks, each in its own black on white."""
    import qrcode

    code = qrcode.QRCode(border=QUIET, error_correction=qrcode.constants.ERROR_CORRECT_M)
    code.add_data(text)
    squares = code.get_matrix()
    if len(squares) % 2:
        squares.append([False] * len(squares))
    glyphs = {(False, False): " ", (True, False): "\u2580", (False, True): "\u2584", (True, True): "\u2588"}
    pairs = zip(squares[::2], squares[1::2], strict=True)
    lines = ("".join(glyphs[both] for both in zip(upper, lower, strict=True)) for upper, lower in pairs)
    return "\n".join(f"{INK}{line}{RESET}" for line in lines)


def can_show(encoding: str | None) -> bool:
    """Whether a terminal of this encoding has the half blocks."""
    try:
        "\u2580\u2584\u2588".encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
