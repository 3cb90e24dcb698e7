"""The mask before: near the mask, often wrong, sometimes missing; and the network that is given it."""

from pathlib import Path

import pytest
import torch

from fastportrait.data.previous import EMPTY, blobs, moved, previous
from fastportrait.nets import ZOO
from fastportrait.nets.weights import About, save, start_from
from fastportrait.recipe import Recipe
from fastportrait.train.module import Training
from zoo import settled

RECIPES = Path(__file__).resolve().parents[1] / "recipes"


def disc(n=1, side=64):
    y, x = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    inside = ((x - side / 2) ** 2 + (y - side / 2) ** 2 < (side / 4) ** 2).float()
    return inside.expand(n, 1, side, side).clone()


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def iou(a, b):
    a, b = a > 0.5, b > 0.5
    return ((a & b).sum((1, 2, 3)) / (a | b).sum((1, 2, 3)).clamp(min=1)).float()


def test_masks_before_are_near_wrong_and_missing_in_turn():
    masks = previous(disc(400), seeded())
    found = iou(masks, disc(400))
    assert masks.shape == (400, 1, 64, 64)
    assert 0 <= masks.min() <= masks.max() <= 1
    assert (masks.amax((1, 2, 3)) == 0).float().mean() == pytest.approx(EMPTY, abs=0.06)
    assert (found > 0.85).float().mean() > 0.25
    assert ((found > 0.2) & (found < 0.8)).float().mean() > 0.1


def test_the_same_numbers_make_the_same_masks():
    assert torch.equal(previous(disc(8), seeded(3)), previous(disc(8), seeded(3)))
    assert not torch.equal(previous(disc(8), seeded(3)), previous(disc(8), seeded(4)))


def test_nobody_moves_without_being_told_and_right_is_right():
    mask = disc()
    torch.testing.assert_close(moved(mask, torch.zeros(1, 4)), mask)
    where = moved(mask, torch.tensor([[-1.0, 0, 0, 0]]))[0, 0].sum(0)  # each pixel looks to its left
    assert (where * torch.arange(64)).sum() / where.sum() > 32


def test_blobs_are_parts_of_a_picture():
    shares = (
        blobs(torch.Size((100, 1, 64, 64)), torch.rand(100, 5, generator=seeded())).float().mean((1, 2, 3))
    )
    assert shares.min() > 0.001
    assert shares.max() < 0.12


def test_with_the_weights_of_small_it_is_small_whatever_the_last_mask(tmp_path):
    small, image = settled(ZOO["small"]), torch.rand(1, 3, 64, 64)
    save(small, About("small", (64, 64)), tmp_path / "small.safetensors")
    net = ZOO["small-video"].build().eval()
    started = start_from(net, "small-video", tmp_path / "small.safetensors")
    assert set(net.state_dict()) - set(started) == {"before.weight"}
    with torch.no_grad():
        wanted = small(image)
        torch.testing.assert_close(net(image), wanted)
        torch.testing.assert_close(net.step(image, torch.rand(1, 1, 64, 64))[0], wanted)


def test_what_it_remembers_is_its_mask_and_it_makes_a_difference():
    net, image = settled(ZOO["small-video"]), torch.rand(1, 3, 64, 64)
    torch.nn.init.normal_(net.before.weight)
    deployed = net.deploy()
    with torch.no_grad():
        logit, mask = net.step(image, *net.state(image))
        torch.testing.assert_close(mask, logit.sigmoid())
        torch.testing.assert_close(logit, net(image))
        assert not torch.allclose(net.step(image, mask)[0], logit, atol=1e-4)
        torch.testing.assert_close(
            deployed.step(image, mask)[0], net.step(image, mask)[0], rtol=1e-3, atol=1e-3
        )


def test_its_recipe_starts_as_small():
    recipe = Recipe.read(RECIPES / "small-video.toml")
    training = Training(recipe, RECIPES)
    assert "before.weight" not in training.started
    assert len(training.started) == len(training.net.state_dict()) - 1
