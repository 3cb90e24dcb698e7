"""Metrics on cases that a person can check with pencil and paper, and against other people's code."""

import cv2
import numpy as np
import pytest

from fastportrait.metrics import (
    difference,
    interval,
    paired,
    percentile_5,
    score,
    score_empty,
    score_matte,
    share_interval,
    verdict,
)
from fastportrait.metrics.edges import conn, grad_p3m, grad_rvm
from fastportrait.metrics.masks import (
    boundary,
    boundary_f,
    boundary_iou,
    contour,
    found,
    iou,
    mad,
    miou,
    mse,
    sad,
)
from fastportrait.metrics.motion import dtssd, flicker


def rectangle(top, left, height, width, size=(60, 80)):
    mask = np.zeros(size, bool)
    mask[top : top + height, left : left + width] = True
    return mask


def soft(seed, size=(72, 90)):
    """A blob with soft edges, different for each seed."""
    noise = np.random.default_rng(seed).random(size, np.float32)
    blurred = cv2.GaussianBlur(noise, (0, 0), 4)
    return np.clip((blurred - 0.47) * 12, 0, 1).astype(np.float32)


NOBODY = np.zeros((60, 80), bool)


def test_iou_of_two_half_overlapping_squares_is_a_third():
    assert iou(rectangle(10, 10, 20, 20), rectangle(10, 20, 20, 20)) == pytest.approx(1 / 3)


def test_miou_is_the_mean_of_person_and_background():
    a, b = rectangle(10, 10, 20, 20), rectangle(10, 20, 20, 20)  # union 600, outside it 4200 of 4800
    assert miou(a, b) == pytest.approx((1 / 3 + 4200 / 4600) / 2)


def test_two_empty_masks_agree():
    assert iou(NOBODY, NOBODY) == boundary_iou(NOBODY, NOBODY) == miou(NOBODY, NOBODY) == 1


def test_a_mask_where_nobody_is_scores_zero():
    assert iou(rectangle(10, 10, 5, 5), NOBODY) == boundary_iou(rectangle(10, 10, 5, 5), NOBODY) == 0


def test_the_boundary_of_a_square_is_a_frame_of_two_percent_of_the_diagonal():
    # 60 x 80 has a diagonal of 100: d = 2
    frame = boundary(rectangle(10, 10, 20, 20))
    expected = rectangle(10, 10, 20, 20) & ~rectangle(12, 12, 16, 16)
    np.testing.assert_array_equal(frame, expected)


def test_a_mask_that_touches_the_border_has_boundary_there():
    frame = boundary(rectangle(40, 10, 20, 20))
    assert frame[58:60, 10:30].all()
    assert not frame[42:58, 12:28].any()


def test_a_tiny_picture_still_has_a_boundary_of_one_pixel():
    whole = np.ones((5, 5), bool)
    np.testing.assert_array_equal(boundary(whole), whole & ~rectangle(1, 1, 3, 3, size=(5, 5)))


def test_the_boundary_is_d_erosions_by_a_square_of_three():
    mask = soft(0, (200, 300)) > 0.5
    eroded = cv2.erode(
        mask.astype(np.uint8),
        np.ones((3, 3), np.uint8),
        iterations=7,
        borderType=cv2.BORDER_CONSTANT,
        borderValue=0,
    )
    np.testing.assert_array_equal(boundary(mask), mask & (eroded == 0))  # 0.02 x 360.6 = 7.2


def test_a_contour_is_one_pixel_wide_and_not_at_the_pictures_border():
    expected = rectangle(10, 10, 20, 20) & ~rectangle(11, 11, 18, 18)
    np.testing.assert_array_equal(contour(rectangle(10, 10, 20, 20)), expected)
    assert not contour(rectangle(40, 10, 20, 20))[59, 11:29].any()  # cut off by the lower border
    assert not contour(np.ones((60, 80), bool)).any()


def test_boundary_f_forgives_one_pixel_in_a_hundred_of_diagonal():
    # 60 x 80 has a diagonal of 100: d = 1
    square = rectangle(10, 10, 20, 20)
    assert boundary_f(square, square) == 1
    assert boundary_f(rectangle(10, 11, 20, 20), square) == 1
    # two pixels to the right: 19 of 20 in the top and bottom rows, and the left side's two ends, next to
    # those rows: 40 of 76, both ways
    assert boundary_f(rectangle(10, 12, 20, 20), square) == pytest.approx(40 / 76)


def test_boundary_f_of_a_spurious_square_is_its_precision():
    square = rectangle(10, 10, 20, 20)  # 76 contour pixels
    more = square | rectangle(40, 50, 5, 5)  # 16 more
    assert boundary_f(more, square) == pytest.approx(2 * (76 / 92) / (76 / 92 + 1))


def test_boundary_f_without_contours():
    assert boundary_f(NOBODY, NOBODY) == 1
    assert boundary_f(rectangle(10, 10, 5, 5), NOBODY) == boundary_f(NOBODY, rectangle(10, 10, 5, 5)) == 0


def test_a_quarter_of_a_person_found_is_a_quarter():
    assert found(rectangle(0, 0, 20, 20), rectangle(10, 10, 20, 20)) == 0.25
    assert found(NOBODY, NOBODY) == 1


STILL = np.eye(2, 3)


def test_dtssd_and_flicker_of_one_pixel_that_blinks():
    truth = np.zeros((3, 4, 4), np.float32)
    alpha = truth.copy()
    alpha[1, 0, 0] = 1  # one of 16 pixels changes between every two frames
    assert dtssd(alpha, truth) == pytest.approx((1 / 16) ** 0.5)
    assert flicker(alpha, truth, [STILL] * 3) == pytest.approx(1 / 16)


def test_an_error_that_stays_is_neither_dtssd_nor_flicker():
    truth = np.zeros((3, 4, 4), np.float32)
    alpha = truth + np.float32(0.25)
    assert dtssd(alpha, truth) == flicker(alpha, truth, [STILL] * 3) == 0


def test_an_error_that_moves_with_the_person_is_dtssd_but_no_flicker():
    truth = np.zeros((2, 8, 8), np.float32)
    alpha = truth.copy()
    alpha[0, 3, 2] = alpha[1, 3, 3] = 1  # one pixel to the right, as the person does
    right = np.array([[1.0, 0, 1], [0, 1, 0]])
    assert dtssd(alpha, truth) == pytest.approx((2 / 64) ** 0.5)
    assert flicker(alpha, truth, [STILL, right]) == 0
    assert flicker(alpha, truth, [STILL, STILL]) == pytest.approx(2 / 64)


def test_a_single_frame_is_no_sequence():
    with pytest.raises(ValueError, match="T of 2 or more"):
        dtssd(np.zeros((1, 4, 4), np.float32), np.zeros((1, 4, 4), np.float32))


def test_differences_of_a_known_alpha():
    truth = np.zeros((40, 50), np.float32)
    alpha = truth.copy()
    alpha[:10] = 0.5  # 500 pixels of 2000
    assert mad(alpha, truth) == pytest.approx(0.125)
    assert mse(alpha, truth) == pytest.approx(0.0625)
    assert sad(alpha, truth) == pytest.approx(0.25)


def test_a_score_takes_a_truth_of_bytes_or_of_floats():
    alpha = soft(1)
    truth = np.round(soft(2) * 255).astype(np.uint8)
    assert score(alpha, truth) == pytest.approx(score(alpha, (truth / 255).astype(np.float32)))


def test_half_is_background_in_alpha_and_truth():
    alpha = np.full((4, 4), 0.5, np.float32)
    assert score(alpha, np.full((4, 4), 127, np.uint8))["iou"] == 1  # both empty
    assert score(alpha, np.full((4, 4), 128, np.uint8))["iou"] == 0


def test_a_perfect_matte_has_no_error():
    exact = soft(3)
    result = score_matte(exact, exact)
    assert all(result[name] == 1 for name in ("iou", "miou", "boundary_iou", "boundary_f", "found"))
    assert all(result[name] < 1e-12 for name in ("mad", "mse", "sad", "grad_rvm", "grad_p3m", "conn"))


def test_an_empty_picture_is_scored_by_its_share_of_false_mask():
    alpha = np.zeros((10, 10), np.float32)
    alpha[0, :2] = 1
    assert score_empty(alpha, np.zeros((10, 10), np.uint8)) == pytest.approx(
        {"false_mask": 0.02, "mad": 0.02}
    )


@pytest.mark.parametrize(
    ("alpha", "truth", "message"),
    [
        (
            np.zeros((4, 5), np.float32),
            np.zeros((5, 4), np.uint8),
            r"alpha is \(4, 5\), its truth is \(5, 4\)",
        ),
        (np.zeros((4, 5)), np.zeros((4, 5), np.uint8), "must be .* float32, got .* float64"),
        (np.full((4, 5), np.nan, np.float32), np.zeros((4, 5), np.uint8), r"must lie in \[0, 1\], got nan"),
        (np.full((4, 5), 255, np.float32), np.zeros((4, 5), np.uint8), r"must lie in \[0, 1\], got 255"),
    ],
)
def test_a_wrong_alpha_is_refused(alpha, truth, message):
    with pytest.raises(ValueError, match=message):
        score(alpha, truth)


def test_gradient_error_of_p3m_is_that_of_scipy_filters():
    ndimage = pytest.importorskip("scipy.ndimage")

    def magnitude(x):
        return np.hypot(
            *(ndimage.gaussian_filter(x.astype(np.float64), 1.4, order=o) for o in ([1, 0], [0, 1]))
        )

    alpha, truth = soft(4), soft(5)
    expected = np.square(magnitude(alpha) - magnitude(truth)).sum() / 10
    assert grad_p3m(alpha, truth) == pytest.approx(expected, rel=1e-4)


def test_gradient_error_of_rvm_is_that_of_its_nine_by_nine_filter():
    x = np.arange(-4, 5)
    bell = np.exp(-(x**2) / (2 * 1.4**2))
    kernel = np.outer(bell, x * bell)
    kernel /= np.sqrt((kernel**2).sum())

    def magnitude(alpha):
        stretched = (alpha - alpha.min()) / (alpha.max() - alpha.min())
        padded = np.pad(stretched.astype(np.float64), 4, mode="edge")
        windows = np.lib.stride_tricks.sliding_window_view(padded, (9, 9))
        return np.hypot(*(np.einsum("hwij,ij->hw", windows, k) for k in (kernel, kernel.T)))

    alpha, truth = soft(6) * np.float32(0.9), soft(7)
    expected = np.square(magnitude(alpha) - magnitude(truth)).sum() / 1000
    assert grad_rvm(alpha, truth) == pytest.approx(expected, rel=1e-4)


def test_gradient_error_of_a_flat_mask_is_that_of_the_truth_alone():
    truth = soft(8)
    assert grad_rvm(np.full_like(truth, 0.3), truth) == pytest.approx(grad_rvm(np.zeros_like(truth), truth))


def test_an_island_is_a_connectivity_error_and_a_missing_corner_of_the_body_too():
    truth = rectangle(10, 10, 20, 20).astype(np.float32)
    island = truth + rectangle(40, 60, 5, 5).astype(np.float32)
    assert conn(island, truth) == pytest.approx(25 / 1000)
    hole = truth * ~rectangle(10, 10, 4, 5)
    assert conn(hole, truth) == pytest.approx(20 / 1000)


def test_a_gap_below_fifteen_percent_is_no_connectivity_error():
    truth = rectangle(10, 10, 20, 20).astype(np.float32)
    assert conn(truth * np.float32(0.9), truth) == pytest.approx(0, abs=1e-6)


def test_person_iou_is_that_of_torchmetrics():
    torch = pytest.importorskip("torch")
    from torchmetrics.functional import jaccard_index, mean_absolute_error

    alpha, truth = soft(9), soft(10)
    ours = score(alpha, truth)
    a, t = torch.from_numpy(alpha), torch.from_numpy(truth)
    both = jaccard_index((a > 0.5).long(), (t > 0.5).long(), task="multiclass", num_classes=2, average="none")
    assert ours["iou"] == pytest.approx(both[1].item(), abs=1e-6)
    assert ours["miou"] == pytest.approx(both.mean().item(), abs=1e-6)
    assert ours["mad"] == pytest.approx(mean_absolute_error(a, t).item(), rel=1e-4)


def test_an_interval_covers_the_true_mean_nineteen_times_in_twenty():
    rng = np.random.default_rng(0)
    covered = 0
    for seed in range(200):
        low, high = interval(rng.normal(0.9, 0.05, 80), seed, draws=500)
        covered += low < 0.9 < high
    assert 180 <= covered <= 199


def test_an_interval_is_the_same_for_the_same_seed():
    values = np.random.default_rng(1).random(50)
    assert interval(values, seed=3) == interval(values, seed=3) != interval(values, seed=4)


def test_an_interval_of_a_percentile_holds_the_percentile():
    values = np.random.default_rng(2).random(300)
    low, high = interval(values, statistic=percentile_5)
    assert low < percentile_5(values) < high


def test_a_paired_difference_sees_what_two_intervals_hide():
    theirs = np.random.default_rng(3).uniform(0.5, 1, 80)
    ours = theirs + 0.01 + np.random.default_rng(4).normal(0, 0.005, 80)
    mean, low, high = difference(ours, theirs)
    assert 0 < low < mean < high
    assert interval(ours)[0] < interval(theirs)[1]  # side by side they overlap


def test_a_paired_difference_of_other_pictures_is_refused():
    with pytest.raises(ValueError, match="the same pictures: 2 and 3 values"):
        difference([1, 2], [1, 2, 3])


def test_what_holds_in_every_resample_is_beyond_doubt():
    gap = paired([0.9, 0.8, 0.7, 0.6] * 5, [0.8, 0.7, 0.6, 0.5] * 5)
    assert gap == pytest.approx({"mean": 0.1, "low": 0.1, "high": 0.1, "share": 1, "pictures": 20})
    assert verdict(gap, "a", "b", more_is_better=True) == "a is better than b (in 100.0 % of the resamples)"
    assert verdict(gap, "a", "b", more_is_better=False).startswith("b is better than a (in 100.0 %")


def test_what_holds_on_three_pictures_is_not_beyond_doubt():
    gap = paired([0.9, 0.8, 0.7], [0.8, 0.7, 0.6])
    assert gap["low"] > 0
    words = "a looks better than b, not beyond doubt: 3 pictures are too few"
    assert verdict(gap, "a", "b", more_is_better=True) == words


def test_an_interval_that_holds_zero_is_not_beyond_doubt():
    gap = paired([1, 0, 1, 0, 1], [0, 1, 0, 1, 0])
    assert gap["low"] < 0 < gap["mean"] < gap["high"]
    assert gap["share"] == pytest.approx(0.68, abs=0.03)  # at least 3 of 5 draws fall on 3 of 5: 0.683
    assert verdict(gap, "a", "b", more_is_better=True).endswith("not beyond doubt: the interval holds 0")
    same = paired([1, 2], [1, 2])
    assert same["share"] == 0.5
    assert verdict(same, "a", "b", more_is_better=True) == "a and b do not differ"


def test_no_failure_in_two_hundred_pictures_is_not_never():
    assert share_interval([False] * 200) == pytest.approx((0, 0.0188), abs=1e-4)
    assert share_interval([True] * 5 + [False] * 5) == pytest.approx((0.2366, 0.7634), abs=1e-4)  # published
