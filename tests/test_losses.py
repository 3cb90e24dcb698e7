from math import exp, log

import pytest
import torch

from fastportrait.losses import (
    LOSSES,
    affinity,
    charbonnier,
    composition,
    consistency,
    dice,
    distil,
    each,
    edge_band,
    focal,
    helper,
    laplacian,
    lovasz,
    nearness,
    overlap,
    policy,
)


def square():
    target = torch.zeros(2, 1, 32, 32)
    target[:, :, 8:24, 8:24] = 1
    return target


WHITE = torch.ones(2, 3, 32, 32)


@pytest.mark.parametrize("name", LOSSES)
def test_a_right_mask_costs_nothing_and_a_wrong_one_much(name):
    target, weight = square(), torch.ones(2, 1, 32, 32)
    right = (target * 2 - 1) * 30
    assert LOSSES[name](right, target, weight, WHITE) < 1e-3
    assert LOSSES[name](-right, target, weight, WHITE) > 0.5


@pytest.mark.parametrize("name", LOSSES)
def test_what_a_label_does_not_know_costs_nothing(name):
    target, weight = square(), torch.ones(2, 1, 32, 32)
    logit = (target * 2 - 1) * 30
    logit[:, :, 8:12, 8:12] *= -1
    weight[:, :, 8:12, 8:12] = 0
    assert LOSSES[name](logit, target, weight, WHITE) < 1e-3


@pytest.mark.parametrize("name", LOSSES)
def test_an_empty_mask_is_right_where_nobody_is(name):
    nobody = torch.zeros(1, 1, 16, 16)
    assert LOSSES[name](nobody - 30, nobody, torch.ones_like(nobody), WHITE[:1, :, :16, :16]) < 1e-3


def test_the_edge_band_of_a_square():
    band = edge_band(square(), radius=1)[0, 0]
    assert band.sum() == 18 * 18 - 14 * 14  # one pixel without, one within
    assert band[7, 7] == band[8, 8] == 1
    assert band[6, 8] == band[9, 9] == 0


def test_only_edges_count_in_the_boundary_loss():
    target, weight = square(), torch.ones(2, 1, 32, 32)
    logit = (target * 2 - 1) * 30
    logit[:, :, 15:17, 15:17] *= -1  # a hole in the middle
    assert LOSSES["boundary"](logit, target, weight, WHITE) < 1e-3
    assert LOSSES["mask"](logit, target, weight, WHITE) > 0.1


def test_nearness_falls_off_ring_by_ring_on_both_sides_of_the_edge():
    near = nearness(square(), sigma=2.0)[0, 0]
    beside, next_to_it = exp(-(0.5**2) / 8), exp(-(1.5**2) / 8)
    for inside, outside, expected in (
        ((8, 15), (7, 15), beside),
        ((9, 15), (6, 15), next_to_it),
        ((13, 15), (2, 15), exp(-(5.5**2) / 8)),
        ((15, 15), (1, 15), 0.0),  # seven and eight rings away: more than 3 sigma
        ((8, 8), (7, 7), beside),  # diagonally too
    ):
        assert near[inside] == pytest.approx(expected, abs=1e-6)
        assert near[outside] == pytest.approx(expected, abs=1e-6)


def test_where_the_picture_cuts_a_person_is_no_edge():
    target = torch.zeros(1, 1, 32, 32)
    target[..., 16:, :] = 1
    near = nearness(target, sigma=1.0)[0, 0]
    assert near[31].sum() == near[0].sum() == 0
    assert near[15, 0] == near[16, 31] == pytest.approx(exp(-1 / 8))


def test_a_mistake_at_the_edge_costs_more_in_the_border_loss_by_unets_weights():
    target, weight = square()[:1], torch.ones(1, 1, 32, 32)

    def cost(y, x):
        logit = (target * 2 - 1) * 30
        logit[0, 0, y, x] *= -1
        return LOSSES["border"](logit, target, weight, WHITE[:1])

    ratio = cost(8, 15) / cost(15, 15)  # sigma is 1 at this size
    assert ratio.item() == pytest.approx(1 + 10 * exp(-1 / 8), rel=1e-4)


def test_distillation_by_hand():
    """Logits 0 and 0 against a teacher of 0.75 without an edge, in a picture that is half to be believed."""
    found = distil(row(0, 0), row(log(3), log(3)), torch.full((1, 1, 1, 1), 0.5))
    assert found.item() == pytest.approx(log(2))  # one picture: its trust is in the mean's denominator too


def test_a_student_like_its_teacher_gets_the_least_loss():
    teacher = torch.randn(2, 1, 16, 16)
    trust = torch.ones(2, 1, 1, 1)
    same, other = distil(teacher, teacher, trust), distil(teacher + 0.5, teacher, trust)
    assert same < other


def test_a_coarse_mask_is_judged_at_its_own_size():
    target, weight = square(), torch.ones(2, 1, 32, 32)
    coarse = (torch.nn.functional.avg_pool2d(target, 8) * 2 - 1) * 30
    assert helper("mask_s8", coarse, target, weight) < 1e-3
    assert helper("mask_s8", -coarse, target, weight) > 0.5


def test_an_edge_output_is_judged_on_the_masks_edge():
    target, weight = square(), torch.ones(2, 1, 32, 32)
    band = (edge_band(target, 1) * 2 - 1) * 30
    assert helper("edge_s1", band, target, weight) < 1e-3
    assert helper("edge_s1", -band, target, weight) > 0.5


def test_a_cost_is_itself_and_other_outputs_are_refused():
    target = square()
    assert helper("cost_gates", torch.tensor(0.25), target, target) == 0.25
    with pytest.raises(ValueError, match="'depth': it should be policy, or begin mask_, edge_ or cost_"):
        helper("depth", torch.tensor(0.0), target, target)


def test_focal_loss_by_hand():
    logit, target = torch.tensor([[[[0.0]]]]), torch.tensor([[[[1.0]]]])
    # right is a half: a quarter of the cross-entropy log 2
    found = focal(logit, target, torch.ones_like(target), torch.ones(1, 3, 1, 1))
    assert found.item() == pytest.approx(0.25 * 0.6931, rel=1e-3)


def test_charbonnier_is_the_difference_of_the_alphas_but_for_its_bottom():
    logit, target = torch.zeros(1, 1, 1, 2), torch.tensor([[[[0.5, 0.1]]]])  # alpha is 0.5
    found = charbonnier(logit, target, torch.ones_like(logit), torch.ones(1, 3, 1, 2))
    assert found == pytest.approx((0 + (0.4**2 + 1e-6) ** 0.5 - 1e-3) / 2)


def test_composition_counts_a_wrong_alpha_by_the_colour_it_lets_through():
    logit, target = torch.zeros(1, 1, 1, 1), torch.ones(1, 1, 1, 1)  # half of the person is missing
    colour = torch.tensor([1.0, 0.5, 0.0]).view(1, 3, 1, 1)
    found = composition(logit, target, torch.ones_like(logit), colour)
    assert found == pytest.approx((0.5 + 0.25 + 0) / 3, abs=1e-3)
    assert composition(logit, target, torch.ones_like(logit), torch.zeros(1, 3, 1, 1)) == 0


def row(*values):
    """One picture of one row."""
    return torch.tensor(values, dtype=torch.float32).view(1, 1, 1, -1)


def judged(loss, logit, target, weight=None):
    return loss(logit, target, torch.ones_like(target) if weight is None else weight, None).item()


def test_cross_entropy_and_the_alphas_difference_by_hand():
    logit, target = row(0, 0), row(1, 0.25)  # alpha is a half
    assert judged(LOSSES["mask"], logit, target) == pytest.approx(log(2))
    assert judged(LOSSES["alpha"], logit, target) == pytest.approx((0.5 + 0.25) / 2)
    assert judged(LOSSES["alpha"], logit, target, row(1, 3)) == pytest.approx((0.5 + 3 * 0.25) / 4)


def test_overlap_and_dice_by_hand():
    logit, target = row(0, 0, 0, 0), row(1, 1, 0, 0)  # alpha is a half everywhere; 0.004 keeps both smooth
    assert judged(overlap, logit, target) == pytest.approx(1 - 1.004 / 3.004)
    assert judged(dice, logit, target) == pytest.approx(1 - 2.004 / (4 * 0.25 + 2 + 0.004))


def test_a_soft_mask_that_is_right_has_no_dice_loss():
    assert judged(dice, row(0, 0, -30), row(0.5, 0.5, 0)) == pytest.approx(0, abs=1e-6)


def test_the_lovasz_hinge_by_hand():
    """A person of two pixels, one missed by 3 and one right by 0.5, and an empty one wrong by 1.

    Errors, largest first: 3 (the missed one), 1 + 1 = 2 (the empty one), 1 - 0.5 = 0.5. The Jaccard loss of
    the first alone wrong is 1 - 1/2, of the first two 1 - 1/3, of all 1: gains of 1/2, 1/6 and 1/3.
    """
    logit, target = row(-2, 0.5, 1), row(1, 1, 0)
    assert judged(lovasz, logit, target) == pytest.approx(3 / 2 + 2 / 6 + 0.5 / 3)
    # A pixel that weighs nothing is not there, wherever it stands in the order.
    more = row(-2, 0.5, 1, 9), row(1, 1, 0, 0), row(1, 1, 1, 0)
    assert judged(lovasz, *more) == pytest.approx(3 / 2 + 2 / 6 + 0.5 / 3)


def test_the_laplacian_pyramid_of_stripes_and_of_a_constant_by_hand():
    flat = torch.zeros(1, 1, 4, 4)  # alpha is a half
    assert judged(laplacian, flat, flat + 0.2) == pytest.approx(0.3)
    # Stripes of +-0.4 halve to (0.25, -0.25) times that (1, 3, 3, 1 over +, +, -, +); back at four columns
    # that is (0.25, 0.125, -0.125, -0.25), which leaves 0.75, 1.125, 1.125 and 0.75 to the band.
    stripes = 0.5 - 0.4 * torch.tensor([1.0, -1, 1, -1]).expand(1, 1, 4, 4)
    assert judged(laplacian, flat, stripes) == pytest.approx(0.4 * (0.9375 + 0.25))


def test_consistency_is_the_divergence_between_two_views_and_free_where_they_agree():
    other, logit = row(0.0, log(3)), row(log(3), log(3))  # a half against three quarters, and alike
    ones = torch.ones_like(logit)
    divergence = 0.5 * log(0.5 / 0.75) + 0.5 * log(0.5 / 0.25)
    assert consistency(logit, other, ones).item() == pytest.approx(divergence / 2, abs=1e-6)
    assert consistency(other, other, ones).item() == pytest.approx(0, abs=1e-6)


def test_the_view_that_was_not_changed_learns_nothing_from_consistency():
    logit, other = row(1.0).requires_grad_(), row(0.0).requires_grad_()
    consistency(logit, other, torch.ones_like(logit)).backward()
    assert logit.grad.abs() > 0.1
    assert other.grad is None


def test_each_image_is_judged_by_itself():
    target, weight = square(), torch.ones(2, 1, 32, 32)
    logit = (target * 2 - 1) * torch.tensor([30.0, -30.0]).view(2, 1, 1, 1)
    right, wrong = each({"overlap": 1.0, "alpha": 2.0, "distil": 9.0}, logit, target, weight, WHITE)
    assert right < 1e-3
    assert wrong == pytest.approx(3, abs=0.01)


def test_a_decision_is_judged_by_what_comes_after_it():
    """Two images, two decisions. The first skips both blocks, the second none; their losses are 0.1 and 0."""
    log = torch.zeros(2, 2, requires_grad=True)
    reward = torch.tensor([[0.5, 0.5], [0.0, 0.0]])
    policy(torch.stack([log, reward], dim=1), torch.tensor([0.1, 0.0])).backward()
    # First decision: 0.9 against 0, second: 0.4 against 0; less their mean, times -1 over two images.
    torch.testing.assert_close(log.grad, torch.tensor([[-0.225, -0.1], [0.225, 0.1]]))


def test_affinity_by_hand():
    """Two places that a teacher finds alike and a student does not: 2 of the 4 pairs are off by 1."""
    teacher = torch.tensor([[1.0, 1.0], [0.0, 0.0]]).view(1, 2, 1, 2).repeat(1, 1, 2, 1)
    student = torch.tensor([[5.0, 0.0, 0.0], [0.0, 0.0, 3.0]]).T.reshape(1, 3, 1, 2).repeat(1, 1, 2, 1)
    trust = torch.ones(1, 1, 1, 1)
    assert affinity(student, teacher, trust, grid=2).item() == pytest.approx(0.5)
    assert affinity(student, student.flip(1), trust, grid=2).item() == pytest.approx(0, abs=1e-6)
    assert affinity(4 * student, student, trust, grid=2).item() == pytest.approx(0, abs=1e-6)


def test_a_picture_that_is_not_trusted_teaches_no_features():
    one, other = torch.rand(2, 4, 8, 8), torch.rand(2, 6, 16, 16)
    first = affinity(one[:1], other[:1], torch.ones(1, 1, 1, 1))
    both = affinity(one, other, torch.tensor([1.0, 0.0]).view(2, 1, 1, 1))
    assert both.item() == pytest.approx(first.item(), rel=1e-5)
