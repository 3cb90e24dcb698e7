"""The main person, on drawn masks where everyone sees who it is."""

import cv2
import numpy as np
import pytest

from fastportrait import Segmenter
from fastportrait.subject import main_subject


def mask_of(*boxes, size=(64, 96), blur=0):
    """(top, left, bottom, right) of each person."""
    mask = np.zeros(size, np.float32)
    for top, left, bottom, right in boxes:
        mask[top:bottom, left:right] = 1
    return cv2.GaussianBlur(mask, (blur, blur), 0) if blur else mask


BIG, SMALL = (20, 30, 64, 66), (30, 80, 64, 92)


def test_the_larger_person_in_the_middle_stays_and_the_passer_by_goes():
    np.testing.assert_array_equal(main_subject(mask_of(BIG, SMALL)), mask_of(BIG))


def test_of_two_as_large_the_one_in_the_middle_stays():
    middle, aside = (20, 40, 64, 56), (20, 2, 64, 18)
    np.testing.assert_array_equal(main_subject(mask_of(middle, aside)), mask_of(middle))


def test_of_two_as_large_the_one_that_reaches_the_lower_edge_stays():
    low, high = (24, 10, 64, 30), (0, 66, 40, 86)
    np.testing.assert_array_equal(main_subject(mask_of(low, high)), mask_of(low))


def test_soft_edges_stay_as_they_were_and_those_of_the_other_go():
    both = mask_of(BIG, SMALL, blur=7)
    found = main_subject(both)
    np.testing.assert_array_equal(found[:, :70], both[:, :70])
    assert found[:, 76:].max() == 0


def test_a_hand_that_a_thin_gap_parts_from_its_body_stays():
    hand = (40, 67, 46, 76)
    both = mask_of(BIG, hand)
    np.testing.assert_array_equal(main_subject(both), both)


def test_two_who_touch_stay_together():
    both = mask_of(BIG, (30, 66, 64, 80))
    np.testing.assert_array_equal(main_subject(both), both)


@pytest.mark.parametrize("mask", [mask_of(), mask_of(BIG), np.full((8, 8), 0.4, np.float32)])
def test_with_one_person_or_none_nothing_changes(mask):
    np.testing.assert_array_equal(main_subject(mask), mask)


def crowd():
    """Two green blocks on grey, the larger one in the middle: (96, 160, 3)."""
    frame = np.full((96, 160, 3), 128, np.uint8)
    frame[24:, 50:110] = frame[48:, 135:155] = (20, 220, 40)
    return frame


def test_a_segmenter_for_the_main_person_leaves_the_other_out(green_model):
    everyone, main = (Segmenter(green_model, subject=who)(crowd()) for who in ("all", "main"))
    assert everyone[70, 145] > 0.9
    assert main[:, 130:].max() == 0
    np.testing.assert_allclose(main[:, :112], everyone[:, :112], atol=1e-3)


def test_a_stream_for_the_main_person_leaves_the_other_out_too(green_model):
    alpha = Segmenter(green_model, subject="main").stream()(crowd())
    assert alpha[70, 80] > 0.9
    assert alpha[:, 130:].max() == 0


def test_an_unknown_subject_is_refused(green_model):
    with pytest.raises(ValueError, match="subject is 'first'; it must be all or main"):
        Segmenter(green_model, subject="first")
