import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from colorize_lib.experiments.receptive_field import gradient_map, receptive_field
from colorize_lib.models import PatchGAN


def by_hand(layers):
    """Kernels and strides, walked from the output to the input."""
    field = 1
    for kernel, stride in reversed(layers):
        field = (field - 1) * stride + kernel
    return field


def convolutions(layers):
    return nn.Sequential(
        *(nn.Conv2d(1, 1, kernel, stride, kernel // 2) for kernel, stride in layers)
    )


@given(
    st.lists(
        st.tuples(st.integers(1, 5), st.integers(1, 2)).filter(lambda x: x[0] >= x[1]),
        min_size=1,
        max_size=4,
    )
)
def test_convolutions_see_what_the_arithmetic_says(layers):
    torch.manual_seed(0)
    field = by_hand(layers)
    assert receptive_field(convolutions(layers), 1, size=2 * field + 16) == field


@pytest.mark.parametrize(
    ("widths", "field"), [((8, 8), 16), ((8, 8, 8), 34), ((8, 8, 8, 8), 70)]
)
def test_a_patch_of_the_patchgan_sees_what_its_paper_says(widths, field):
    layers = [(4, 2)] * (len(widths) - 1) + [(4, 1)] * 2
    assert by_hand(layers) == field
    assert receptive_field(PatchGAN(widths).eval(), 1, 2, size=128) == field


def test_the_sides_may_differ():
    wide = nn.Conv2d(1, 1, (3, 9), padding=(1, 4))
    assert receptive_field(wide, 1, size=32) == 9


@pytest.mark.parametrize("norm", [nn.InstanceNorm2d, nn.BatchNorm2d])
def test_statistics_of_the_picture_see_all_of_it(norm):
    network = nn.Sequential(nn.Conv2d(1, 4, 3), norm(4), nn.Conv2d(4, 1, 3))
    assert receptive_field(network.train(), 1, size=32) is None


def test_a_field_at_the_edge_is_not_known():
    assert receptive_field(nn.Conv2d(1, 1, 15, padding=7), 1, size=16) is None
    assert receptive_field(nn.Conv2d(1, 1, 15, padding=7), 1, size=18) == 15


def test_relu_and_maximum_hide_nothing():
    layers = [nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
    layers += [nn.Conv2d(16, 16, 3, padding=1), nn.ReLU()]
    torch.manual_seed(0)
    network = nn.Sequential(*layers)
    # A maximum shows a picture one pixel of four: several pictures are needed.
    assert receptive_field(network, 1, size=32, pictures=8) == by_hand(
        [(3, 1), (2, 2), (3, 1)]
    )


def test_up_and_down_again():
    layers = [nn.Conv2d(1, 1, 3, stride=2, padding=1), nn.Upsample(scale_factor=2)]
    network = nn.Sequential(*layers, nn.Conv2d(1, 1, 3, padding=1))
    # The middle one, 16, sees 15, 16 and 17 of what was enlarged: 7 and 8 of 16.
    assert receptive_field(network, 1, size=32) == (2 - 1) * 2 + 3


class Fusion(nn.Module):
    """A convolution, and a global average that gives no gradient."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 1, 3, padding=1)

    def forward(self, l):
        with torch.no_grad():
            average = l.mean(dim=(1, 2, 3), keepdim=True)
        return self.conv(l) + 0.01 * average


def test_what_is_seen_without_a_gradient_is_found():
    assert receptive_field(Fusion().conv, 1, size=64) == 3
    assert receptive_field(Fusion(), 1, size=64) is None


def test_no_gradient_at_all_is_refused():
    network = nn.Conv2d(1, 1, 3)
    nn.init.zeros_(network.weight)
    with pytest.raises(ValueError, match="no gradient at any pixel"):
        receptive_field(network, 1, size=16)


class TestGradientMap:
    def test_of_one_convolution_is_its_kernel(self):
        network = nn.Conv2d(3, 1, 3, padding=1)
        l, ab = torch.rand(1, 1, 9, 9), torch.rand(1, 2, 9, 9)
        found = gradient_map(lambda l, ab: network(torch.cat([l, ab], 1)), l, ab)
        expected = torch.zeros(1, 9, 9)
        expected[0, 3:6, 3:6] = network.weight[0].abs().sum(dim=0)
        torch.testing.assert_close(found, expected)

    def test_of_another_position(self):
        found = gradient_map(
            nn.Conv2d(1, 1, 3), torch.rand(1, 1, 9, 9), position=(0, 2)
        )
        rows, columns = found[0].nonzero().T
        assert sorted({*rows.tolist()}) == [0, 1, 2]
        assert sorted({*columns.tolist()}) == [2, 3, 4]

    def test_equals_finite_differences(self):
        torch.manual_seed(0)
        network = nn.Sequential(nn.Conv2d(1, 3, 3), nn.Tanh(), nn.Conv2d(3, 1, 3))
        network = network.double()
        x = torch.rand(1, 1, 7, 7, dtype=torch.float64)
        expected = torch.zeros(7, 7, dtype=torch.float64)
        for i in range(49):
            step = torch.zeros(49, dtype=torch.float64)
            step[i] = 1e-6
            step = step.view_as(x)
            change = network(x + step) - network(x - step)
            expected.view(-1)[i] = change[0, 0, 1, 1].abs() / 2e-6
        torch.testing.assert_close(
            gradient_map(network, x)[0], expected, rtol=1e-6, atol=1e-8
        )

    def test_batchnorm_in_training_ties_pictures_together(self):
        torch.manual_seed(0)
        discriminator = PatchGAN((8, 8))
        l, ab = torch.rand(2, 1, 32, 32), torch.rand(2, 2, 32, 32)
        assert gradient_map(discriminator.train(), l, ab)[1].any()
        assert not gradient_map(discriminator.eval(), l, ab)[1].any()

    def test_nothing_is_left_behind(self):
        network, x = nn.Conv2d(1, 1, 3), torch.rand(1, 1, 9, 9)
        with torch.no_grad():
            gradient_map(network, x)
        assert not x.requires_grad
        assert network.weight.grad is None
