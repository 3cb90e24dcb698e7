"""How much of each augmentation step a recipe wants."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Amounts:
    """Each in [0, 1]: the share of the pictures that the step changes, where nothing else is said; 0 is off.

    A recipe's table `augment` is complete: a step that it does not name is off. Without a table it is
    `STANDARD`. docs/augmentation.md shows what each step does.
    """

    empty: float = 0.0
    """Pictures without people: a scene alone."""
    paste: float = 0.0
    """Of those with a trusted soft mask: cut out, placed anew on a scene. Studio pictures always are."""
    clean: float = 0.0
    """Of the pasted people: the old background's colour is taken out of their edges."""
    match: float = 0.0
    """Of the pasted people: they take on the light of the scene."""
    several: float = 0.0
    """A second person stands beside; the mask holds both."""
    whole: float = 0.0
    """Seen whole, as users see them: neither cropped nor zoomed out nor turned, unless pasted."""
    crop: float = 0.0
    """Of those neither whole nor zoomed out nor pasted: a part is seen, down to 0.6 of each side."""
    zoom_out: float = 0.0
    """Of those neither whole nor pasted: up to 1.6 times smaller, a photo in a scene; for face crops."""
    turn: float = 0.0
    """Of those not whole: turned by up to 15 degrees."""
    flip: float = 0.0
    """Mirrored."""
    like: float = 0.0
    """Of those with a trusted soft mask: the background takes on the colour of the person's clothes."""
    hand: float = 0.0
    """A hand comes into the picture; it belongs to the person."""
    thing: float = 0.0
    """A thing is before the person; it does not belong to the person."""
    light: float = 0.0
    """A strength, in four of five pictures: exposure, gamma, contrast, colour; 1 is a phone's worst."""
    temperature: float = 0.0
    """The white balance is off: from a bulb's orange to a blue shadow."""
    low_light: float = 0.0
    """As after dark: 1.5 to 4 stops less light, the sensor's noise, half made up for by gain."""
    blur: float = 0.0
    """A soft lens: a Gaussian of 0.4 to 2 pixels."""
    motion: float = 0.0
    """A shaken hand: a line of 5 to 11 pixels."""
    rescale: float = 0.0
    """Shrunk to 0.35 to 0.65 of its side and enlarged again."""
    noise: float = 0.0
    """Even noise, up to 5 % of full scale."""
    grey: float = 0.0
    """Without colour."""
    jpeg: float = 0.0
    """JPEG of quality 10 to 70, with colour at half the side."""


STANDARD = Amounts(
    empty=0.04,
    paste=0.15,
    clean=1.0,
    match=0.5,
    several=0.05,
    whole=0.5,
    crop=1.0,
    zoom_out=0.15,
    turn=0.4,
    flip=0.5,
    like=0.06,
    hand=0.03,
    thing=0.03,
    light=0.6,
    temperature=0.08,
    low_light=0.04,
    blur=0.05,
    motion=0.025,
    rescale=0.05,
    noise=0.10,
    grey=0.02,
    jpeg=0.10,
)
