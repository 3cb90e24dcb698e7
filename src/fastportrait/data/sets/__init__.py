"""The public sets that `fastportrait data import` brings in, by what their samples carry as `source`."""

from .coco import COCO
from .folders import AISEGMENT, EASYPORTRAIT, EG1800, FOLDER, P3M10K, PPHUMANSEG14K, PPM100
from .item import Set
from .supervisely import SUPERVISELY
from .videomatte import VIDEOMATTE

SETS: dict[str, Set] = {
    "eg1800": EG1800,
    "aisegment": AISEGMENT,
    "pphumanseg14k": PPHUMANSEG14K,
    "easyportrait": EASYPORTRAIT,
    "p3m10k": P3M10K,
    "ppm100": PPM100,
    "coco_person": COCO,
    "supervisely": SUPERVISELY,
    "videomatte240k": VIDEOMATTE,
    "folder": FOLDER,
}
