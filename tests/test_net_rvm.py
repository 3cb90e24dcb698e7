"""Robust Video Matting: what is remembered, what a first frame is, how a small matte becomes a large one."""

import pytest
import torch
from torch import nn

from fastportrait.nets import ZOO
from fastportrait.nets.rvm import ConvGRU, DeepGuidedFilter, Matting, Remember, nothing
from zoo import settled


def gru(keep):
    """A ConvGRU whose gate always keeps, or never does."""
    torch.manual_seed(0)
    unit = ConvGRU(4)
    nn.init.constant_(unit.gates.bias[:4], 100.0 if keep else -100.0)
    return unit


def test_an_open_gate_keeps_the_memory_and_a_shut_one_replaces_it():
    x, memory = torch.rand(1, 4, 6, 8), torch.rand(1, 4, 6, 8)
    with torch.no_grad():
        torch.testing.assert_close(gru(keep=True)(x, memory), memory)
        fresh = gru(keep=False)(x, memory)
    assert not torch.allclose(fresh, memory, atol=0.05)
    assert fresh.abs().max() < 1  # a hyperbolic tangent


def test_half_of_the_channels_pass_the_memory_by():
    x = torch.rand(1, 8, 4, 4)
    with torch.no_grad():
        y, memory = Remember(8)(x, torch.zeros(1, 4, 4, 4))
    assert torch.equal(y[:, :4], x[:, :4])
    assert torch.equal(y[:, 4:], memory)


def test_the_memory_is_four_plain_tensors_on_half_of_the_channels():
    with torch.device("meta"):
        net, image = ZOO["rvm"].build(), torch.empty(2, 3, 64, 96)
        wanted = [(2, 16, 32, 48), (2, 20, 16, 24), (2, 40, 8, 12), (2, 64, 4, 6)]
        assert [tuple(s.shape) for s in net.state(image)] == wanted
        logit, *state = net.step(image, *net.state(image))
        assert logit.shape == (2, 1, 64, 96)
        assert [tuple(s.shape) for s in state] == wanted


def test_a_picture_is_a_clip_of_one_frame_and_a_second_look_differs():
    net, image = settled(ZOO["rvm"]), torch.rand(1, 3, 64, 64)
    deployed = net.deploy()
    with torch.no_grad():
        logit, *state = net.step(image, *net.state(image))
        assert torch.equal(logit, net(image))
        assert not torch.allclose(net.step(image, *state)[0], logit, atol=1e-6)
        for here, there in zip(net.step(image, *state), deployed.step(image, *state), strict=True):
            torch.testing.assert_close(here, there, rtol=1e-4, atol=1e-4)
        outputs = net.outputs(image)
    assert torch.equal(outputs["mask"], logit)
    assert not torch.equal(outputs["mask_again"], logit)


def test_what_reads_the_memory_gets_a_gradient_from_the_second_step_alone():
    torch.manual_seed(0)
    net, image = ZOO["rvm"].build().train(), torch.rand(2, 3, 64, 64)
    weight = net.decoder.s16.gru.gates.weight  # the second half of its inputs is the memory
    for name, reads in (("mask", False), ("mask_again", True)):
        net.zero_grad()
        net.outputs(image)[name].square().mean().backward()
        assert (weight.grad[:, 64:].abs().sum() > 0) == reads
        assert weight.grad[:, :64].abs().sum() > 0


def test_a_matte_that_is_the_image_and_a_little_more_becomes_the_large_image_and_as_much_more():
    torch.manual_seed(0)
    net = DeepGuidedFilter().eval()
    nn.init.zeros_(net.slope[-1].weight)
    nn.init.ones_(net.slope[-1].bias)  # slope 1 everywhere
    frame = torch.rand(1, 3, 32, 32)
    image = nn.functional.avg_pool2d(frame, 2)
    matte = torch.cat([image, image.mean(1, keepdim=True)], dim=1) + 0.25
    with torch.no_grad():
        large = net(frame, image, matte, torch.rand(1, 16, 16, 16))
    inside = (..., slice(4, -4), slice(4, -4))  # at the border the mean counts zeros
    torch.testing.assert_close(large[:, :3][inside], frame[inside] + 0.25)


def test_a_large_frame_gets_a_large_matte():
    with torch.device("meta"):
        net, frame = Matting(), torch.empty(1, 3, 256, 320)
        assert net.refined(frame, torch.empty(1, 3, 64, 80)).shape == (1, 4, 256, 320)
        assert [s.shape[0] for s in nothing(frame)] == [1] * 4


@pytest.mark.slow
def test_a_step_exports_with_its_memory_as_inputs_and_outputs():
    class Step(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = settled(ZOO["rvm"]).deploy()

        def forward(self, image, s2, s4, s8, s16):
            return self.net.step(image, s2, s4, s8, s16)

    step, image = Step().eval(), torch.rand(1, 3, 64, 64)
    state = [torch.rand_like(s) for s in step.net.state(image)]
    with torch.no_grad():
        exported = torch.export.export(step, (image, *step.net.state(image))).module()
        for there, here in zip(exported(image, *state), step(image, *state), strict=True):
            torch.testing.assert_close(there, here, rtol=1e-4, atol=1e-4)
