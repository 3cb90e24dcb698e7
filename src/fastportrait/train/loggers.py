"""Where a run's curves and sample pictures go."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pytorch_lightning.loggers import TensorBoardLogger

from ..transform import resize

PICTURES = 6
"""How many of val a grid shows."""


def open_logger(kind: str, out: Path) -> Any:
    """`kind` is "tensorboard", "wandb" or "mlflow", each below `out`.

    Raises `ValueError` where its package is missing.
    """
    if kind == "tensorboard":
        return TensorBoardLogger(out, name="", version="log")
    if find_spec(kind) is None:
        raise ValueError(f'logger = "{kind}" needs: pip install {kind}')
    if kind == "wandb":
        from pytorch_lightning.loggers import WandbLogger

        return WandbLogger(name=out.name, project="fastportrait", save_dir=out)
    from pytorch_lightning.loggers import MLFlowLogger

    return MLFlowLogger(experiment_name="fastportrait", run_name=out.name, save_dir=str(out / "mlruns"))


def row(
    image: NDArray[np.uint8], alpha: NDArray[np.uint8], mask: NDArray[np.float32], size: tuple[int, int]
) -> NDArray[np.uint8]:
    """Picture, target and prediction (in [0, 1]) beside each other, each of `size`: (h, 3 w, 3)."""
    found = (255 * mask).round().astype(np.uint8)
    parts = [resize(image, size), *(resize(m, size)[:, :, None].repeat(3, axis=2) for m in (alpha, found))]
    return np.concatenate(parts, axis=1)


def show(logger: Any, grid: NDArray[np.uint8], step: int) -> None:
    """(H, W, 3) RGB under the name "val/samples"."""
    if isinstance(logger, TensorBoardLogger):
        logger.experiment.add_image("val/samples", grid, step, dataformats="HWC")
    elif hasattr(logger, "log_image"):  # Weights & Biases
        logger.log_image("val/samples", [grid], step=step)
    else:
        logger.experiment.log_image(logger.run_id, grid, key="val-samples", step=step)
