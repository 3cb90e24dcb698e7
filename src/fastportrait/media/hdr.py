"""High dynamic range to what screens and networks expect, and back: PQ and HLG (ITU-R BT.2100).

Light is relative to white on a standard screen, which BT.2408 puts at 203 cd/m2.
"""

from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from .colours import Curve

Light = NDArray[np.float32]

WHITE = 203.0
PEAK = 1000.0
"""cd/m2 of the brightest that is told apart, and of the screen that HLG is made for."""
KNEE = 0.6
"""Up to here light stays as it is; what is brighter is pressed into the rest."""
TO_709 = np.array([[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]])
"""BT.2020 to BT.709 primaries, linear light: ITU-R BT.2087."""
STEPS = 4096


def to_sdr(signal: NDArray[np.uint16], curve: Curve) -> NDArray[np.uint8]:
    """(H, W, 3) uint16 RGB of BT.2100 -> (H, W, 3) uint8 sRGB, highlights rolled off."""
    light = _light(curve)[signal >> 4]
    if curve == "hlg":  # the screen's own gamma, on brightness
        luma = cv2.transform(light, np.array([[0.2627, 0.678, 0.0593]], np.float32))
        light = light * (np.maximum(luma, 1e-6) ** np.float32(0.2))[..., None] * np.float32(PEAK / WHITE)
    light = cv2.transform(light, TO_709.astype(np.float32))
    most = np.maximum(light.max(axis=2), np.float32(1e-6))
    over = (PEAK / WHITE - KNEE) / (1 - KNEE)
    x = np.maximum(most - KNEE, 0) / (1 - KNEE)
    pressed = np.minimum(most, KNEE) + (1 - KNEE) * x * (1 + x / over**2) / (1 + x)  # Reinhard, 2002, eq. 4
    light = np.clip(light * (pressed / most)[..., None], 0, 1)
    return _srgb()[np.rint(light * (STEPS * 4 - 1)).astype(np.uint16)]


def from_sdr(picture: NDArray[np.uint8], curve: Curve) -> NDArray[np.uint16]:
    """(H, W, 3) uint8 sRGB -> (H, W, 3) uint16 RGB of BT.2100, white at 203 cd/m2."""
    value = np.arange(256, dtype=np.float64) / 255
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    light = cv2.transform(linear.astype(np.float32)[picture], np.linalg.inv(TO_709).astype(np.float32))
    light = np.clip(light, 0, None)
    if curve == "hlg":
        luma = cv2.transform(light, np.array([[0.2627, 0.678, 0.0593]], np.float32)) * (WHITE / PEAK)
        light = light * np.float32(WHITE / PEAK) * (np.maximum(luma, 1e-6) ** np.float32(-1 / 6))[..., None]
        high = 0.17883277 * np.log(np.maximum(12 * light - 0.28466892, 1e-6)) + 0.55991073
        signal = np.where(light <= 1 / 12, np.sqrt(3 * light), high)
    else:
        power = (light * np.float32(WHITE / 10000)) ** (2610 / 16384)
        signal = ((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power)) ** 78.84375
    return np.asarray(np.rint(np.clip(signal, 0, 1) * 65535), np.uint16)


@cache
def _light(curve: Curve) -> Light:
    """Light of every step of the signal: for PQ in units of WHITE, for HLG the scene's, in [0, 1]."""
    signal = np.arange(STEPS) / (STEPS - 1)
    if curve == "hlg":
        high = (np.exp((signal - 0.55991073) / 0.17883277) + 0.28466892) / 12
        light: NDArray[Any] = np.where(signal <= 0.5, signal**2 / 3, high)
    else:
        power = signal ** (1 / 78.84375)
        light = (np.maximum(power - 0.8359375, 0) / (18.8515625 - 18.6875 * power)) ** (16384 / 2610)
        light = light * 10000 / WHITE
    return light.astype(np.float32)


@cache
def _srgb() -> NDArray[np.uint8]:
    light = np.arange(STEPS * 4) / (STEPS * 4 - 1)
    value = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.asarray(np.rint(value * 255), np.uint8)
