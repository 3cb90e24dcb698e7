"""A network's silhouette as SVG: every convolution a bar, from left to right as it runs.

How deep a bar hangs is its stride; how tall it is, its channels; how wide, its share of the computation.
"""

from math import log2
from xml.sax.saxutils import escape

from torch import nn

from .layers import Layer

COLOURS = {
    "dense": "#2a6f97",
    "pointwise": "#61a5c2",
    "depthwise": "#e09f3e",
    "grouped": "#9e6dbf",
    "dilated": "#bc4749",
    "transposed": "#6a994e",
    "linear": "#7d8597",
}
WIDTH, ROW, TOP, LEFT = 960, 56, 46, 64


def silhouette(title: str, found: list[Layer], height: int) -> str:
    """`found` by `layers()` for an image of `height`; a whole SVG document."""
    bars = [layer for layer in found if layer.leaf and _colour(layer.module)]
    assert bars, "a network without a convolution has no silhouette"
    pooled = [len(layer.shape) != 3 or layer.shape[1:] == (1, 1) for layer in bars]
    strides = [
        0.0 if p else max(0.0, log2(height / layer.shape[1])) for p, layer in zip(pooled, bars, strict=True)
    ]
    deepest = round(max(strides)) + any(pooled)  # the whole picture has a row of its own
    total = sum(layer.macs for layer in bars) or 1
    least = 0.35 * (WIDTH - LEFT - 16) / len(bars)  # so that a bar without much work is seen too
    spread = 0.65 * (WIDTH - LEFT - 16)
    widest = max(layer.shape[0] for layer in bars)
    bottom = TOP + ROW * (deepest + 1)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {bottom + 34:.0f}" '
        'font-family="system-ui, sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{bottom + 34:.0f}" fill="#ffffff"/>',
        f'<text x="{LEFT}" y="24" font-size="15" fill="#1b263b">{escape(title)}</text>',
    ]
    for level in range(deepest + 1):
        y = TOP + ROW * (level + 0.5)
        label = "pooled" if any(pooled) and level == deepest else f"1/{2**level}" if level else "1"
        lines.append(f'<path d="M{LEFT} {y:.0f}H{WIDTH - 16}" stroke="#dde3ea"/>')
        lines.append(f'<text x="{LEFT - 10}" y="{y + 4:.0f}" text-anchor="end" fill="#5c677d">{label}</text>')
    x = float(LEFT)
    for layer, whole, stride in zip(bars, pooled, strides, strict=True):
        wide = least + spread * layer.macs / total
        tall = 6 + (ROW - 14) * log2(1 + layer.shape[0]) / log2(1 + widest)
        y = TOP + ROW * ((deepest if whole else stride) + 0.5) - tall / 2
        share = f"{layer.name}: {layer.kind}, {layer.shape[0]} channels, {layer.macs / 1e6:.2f} M MACs"
        lines.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(wide - 0.4, 0.6):.1f}" height="{tall:.1f}" '
            f'fill="{COLOURS[_colour(layer.module)]}"><title>{escape(share)}</title></rect>'
        )
        x += wide
    x = float(LEFT)
    for name in dict.fromkeys(_colour(layer.module) for layer in bars):
        lines.append(
            f'<rect x="{x:.0f}" y="{bottom + 8:.0f}" width="11" height="11" fill="{COLOURS[name]}"/>'
            f'<text x="{x + 16:.0f}" y="{bottom + 18:.0f}" fill="#5c677d">{name}</text>'
        )
        x += 36 + 7 * len(name)
    return "\n".join([*lines, "</svg>", ""])


def _colour(module: nn.Module) -> str:
    """Which of `COLOURS` a layer has; empty for one that computes nothing to speak of."""
    if isinstance(module, nn.ConvTranspose2d):
        return "transposed"
    if isinstance(module, nn.Linear | nn.LSTMCell):
        return "linear"
    if not isinstance(module, nn.Conv2d):
        return ""
    if max(module.dilation) > 1:
        return "dilated"
    if module.groups > 1:
        return "depthwise" if module.groups == module.in_channels else "grouped"
    return "pointwise" if max(module.kernel_size) == 1 else "dense"
