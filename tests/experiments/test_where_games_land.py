"""What each method makes of several true colors: theory, measured in seconds.

Three kinds of things are recognized without doubt (each has a lightness of its own), so
all that is left is which color a method chooses where there are several. The pictures
are single pixels, the generator a table of one color a kind.
"""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from colorize_lib.color import AB_SCALE
from colorize_lib.scenes import LAWS
from colorize_lib.training.learner import Learner, Precision, hold_then_fall
from colorize_lib.training.pix2pix import Pix2Pix, Pix2PixSettings
from colorize_lib.training.wgan_gp import WassersteinGP, WGANGPSettings

KINDS = ("car", "roof", "balloon")  # two colors equally probable, two at 60 : 40, three
FLOAT32 = Precision("float32", "cpu")


def kind_of(l):
    return (2 * l.flatten() + 1).round().long()


class Table(nn.Module):
    """A color for each kind: no network is too small, too slow or too smooth for it."""

    def __init__(self):
        super().__init__()
        self.ab = nn.Parameter(0.1 * torch.randn(len(KINDS), 2))

    def forward(self, l):
        return self.ab[kind_of(l)][:, :, None, None]


class Discriminator(nn.Module):
    """Scores a color of a kind."""

    def __init__(self, width=64):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(len(KINDS) + 2, width), nn.LeakyReLU(0.2),
            nn.Linear(width, width), nn.LeakyReLU(0.2),
            nn.Linear(width, 1),
        )  # fmt: skip

    def forward(self, l, ab):
        kinds = F.one_hot(kind_of(l), len(KINDS))
        return self.layers(torch.cat([kinds, 2 * ab.flatten(1)], dim=1))


def real_pictures(count, drawn):
    """So many of each kind, each in a color drawn by its law."""
    l, ab = [], []
    for number, kind in enumerate(KINDS):
        law = LAWS[kind]
        chosen = torch.multinomial(
            torch.tensor(law.probabilities), count, True, generator=drawn
        )
        l.append(torch.full((count, 1, 1, 1), number / 2 - 0.5))
        ab.append(law.modes[chosen][:, :, None, None] / AB_SCALE)
    return torch.cat(l), torch.cat(ab)


def learner(network, steps, betas, rate=2e-3):
    optimizer = torch.optim.Adam(network.parameters(), rate, betas=betas)
    scheduler = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: hold_then_fall(steps, step)
    )
    return Learner(network, optimizer, FLOAT32, scheduler)


def colors_learned(make, steps, turns, betas, seed):
    torch.manual_seed(seed)
    drawn, table = torch.Generator().manual_seed(seed), Table()
    method = make(learner(table, turns, betas), learner(Discriminator(), steps, betas))
    for _ in range(steps):
        method.step(*real_pictures(32, drawn))
    return dict(zip(KINDS, AB_SCALE * table.ab.detach(), strict=True))


def distance(color, other):
    return (color - other).norm().item()


def nearest_mode(colors, kind):
    return min(distance(colors[kind], mode) for mode in LAWS[kind].modes)


@pytest.mark.parametrize(
    ("gan_loss", "l1_weight"), [("binary_cross_entropy", 1), ("least_squares", 10)]
)
def test_pix2pix_commits_to_one_of_the_true_colors(gan_loss, l1_weight):
    """Also where L1 alone would paint what nothing is. Which one it is, is chance.

    (With 100 times L1, least squares painted one kind as L1 does.)
    """

    def make(generator, discriminator):
        settings = Pix2PixSettings(l1_weight, gan_loss=gan_loss)
        return Pix2Pix(generator, discriminator, settings)

    colors = colors_learned(make, 1200, 1200, (0.5, 0.999), seed=0)
    for kind in KINDS:
        assert nearest_mode(colors, kind) < 4
    for kind in ("car", "balloon"):
        assert distance(colors[kind], LAWS[kind].mean) > 20
        assert distance(colors[kind], LAWS[kind].median) > 15


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_wgan_gp_with_l1_commits_no_more_than_l1(seed):
    """Its generator has no chance of its own: being near to all is all it can do."""

    def make(generator, critic):
        return WassersteinGP(generator, critic, WGANGPSettings(20))

    colors = colors_learned(make, 2500, 500, (0.0, 0.9), seed)
    for kind in ("roof", "balloon"):
        assert distance(colors[kind], LAWS[kind].median) < 4
    assert nearest_mode(colors, "balloon") > 15
    assert nearest_mode(colors, "car") > 30  # anywhere between red and blue


def test_wgan_gp_alone_leans_to_the_geometric_median():
    """Where the mean distance to all true colors is least; roughly, after 500 turns."""

    def make(generator, critic):
        return WassersteinGP(generator, critic, WGANGPSettings(0))

    colors, law = colors_learned(make, 2500, 500, (0.0, 0.9), seed=0), LAWS["balloon"]
    assert nearest_mode(colors, "balloon") > 12
    assert nearest_mode(colors, "car") > 25
    found = distance(colors["balloon"], law.geometric_median)
    assert found < distance(colors["balloon"], law.median)
    assert found < distance(colors["balloon"], law.mean)


TEXTURES = 16  # of balloons; each can have each color


class Textured(nn.Module):
    """A color for each texture, whose number l holds."""

    def __init__(self):
        super().__init__()
        self.ab = nn.Parameter(0.1 * torch.randn(TEXTURES, 2))

    def forward(self, l):
        return self.ab[l.flatten().long()][:, :, None, None]


class Connoisseur(Discriminator):
    """Scores a color; it knows which texture it is on, or not."""

    def __init__(self, told, width=64):
        super().__init__(width)
        self.told = told
        self.layers[0] = nn.Linear(TEXTURES + 2, width)

    def forward(self, l, ab):
        texture = self.told * F.one_hot(l.flatten().long(), TEXTURES)
        return self.layers(torch.cat([texture, 2 * ab.flatten(1)], dim=1))


@pytest.mark.parametrize("told", [True, False])
def test_wgan_gp_commits_where_its_critic_cannot_tell_pictures_apart(told):
    """As on photographs, of which no two are alike: why they become vivid all the same.

    The critic knows how all balloons are colored. Only if it knows each texture by
    itself, the theory of the geometric median is about what it sees.
    """
    law, steps = LAWS["balloon"], 1000
    torch.manual_seed(0)
    generator, critic = Textured(), Connoisseur(told)
    method = WassersteinGP(
        learner(generator, steps // 5, (0.0, 0.9), rate=8e-3),
        learner(critic, steps, (0.0, 0.9)),
        WGANGPSettings(0),
    )
    for _ in range(steps):
        chosen = torch.multinomial(torch.tensor(law.probabilities), 64, True)
        l = torch.randint(TEXTURES, (64, 1, 1, 1)).float()
        method.step(l, law.modes[chosen][:, :, None, None] / AB_SCALE)
    colors = AB_SCALE * generator.ab.detach()
    nearest = torch.cdist(colors, law.modes).argmin(dim=1)
    second = nearest.bincount(minlength=3).sort().values[1]
    off = (colors - law.geometric_median).norm(dim=1).mean()
    if told:
        assert off < 30
    else:
        assert off > 40
        assert second >= TEXTURES // 4
