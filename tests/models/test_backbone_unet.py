"""The U-Net on a pretrained backbone, and the proof that the backbone is what it was.

The reference is torchvision's own feature extractor on the sRGB gray of the picture,
normalized as for its training: nothing of it is this project's code.
"""

import copy

import numpy as np
import pytest
import skimage.color
import torch
import torchvision
from torch import nn
from torch.nn import functional as F
from torchvision.models.feature_extraction import create_feature_extractor

from colorize_lib.models import Backbone, BackboneUNet, resnet18_unet, squeezenet_unet
from colorize_lib.models.backbone_unet import SMALLEST
from colorize_lib.models.parts import Silence

# The layers after which torchvision's networks shrink the map, and the last one.
NODES = {
    "resnet18": ["relu", "layer1", "layer2", "layer3", "layer4"],
    "squeezenet1_1": ["features.1", "features.4", "features.7", "features.12"],
    "mobilenet_v3_small": [f"features.{n}" for n in (0, 1, 3, 8, 12)],
}
WIDTHS = {
    "resnet18": 6 * (8,),
    "squeezenet1_1": 5 * (8,),
    "mobilenet_v3_small": 6 * (8,),
}
RESNET18 = "resnet18-f37072fd.pth"


@pytest.fixture(autouse=True)
def steady():
    torch.manual_seed(0)


def parameters(network):
    return sum(p.numel() for p in network.parameters())


def lightness(*size, count=2):
    return torch.rand(count, 1, *size) * 2 - 1


def trained_elsewhere(name):
    """A network whose BatchNorm has seen something, as after training."""
    network = torchvision.models.get_model(name)
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.normal_(layer.running_mean, std=0.1)
            nn.init.uniform_(layer.running_var, 0.5, 2)
            nn.init.uniform_(layer.weight, 0.5, 1.5)
            nn.init.normal_(layer.bias, std=0.1)
    return network


# ------------------------------------------------------------ the proof


class Original:
    """A copy of torchvision's network, asked by hand."""

    def __init__(self, network, name):
        nodes = NODES[name]
        network = copy.deepcopy(network).eval()
        self.extract = create_feature_extractor(network, nodes)
        self.mean, self.std = (
            torch.tensor(x)[:, None, None]
            for x in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
        )

    @torch.no_grad()
    def features(self, gray, size):
        """Maps of gray sRGB values in [0, 1], ``(B, H, W)``, shown at a size."""
        normalized = (gray[:, None].expand(-1, 3, -1, -1) - self.mean) / self.std
        if size != gray.shape[1:]:
            normalized = F.interpolate(normalized, size, mode="bilinear")
        return list(self.extract(normalized).values())


def gray_pictures(count=2, size=(64, 96)):
    """Gray sRGB values in [0, 1] as of a file, and l of the same pictures."""
    codes = torch.randint(0, 256, (count, 1, size[0] // 8, size[1] // 8)).float()
    codes = F.interpolate(codes, size, mode="bilinear").round().to(torch.uint8)[:, 0]
    rgb = np.stack([codes.numpy()] * 3, axis=-1)
    L = torch.tensor(skimage.color.rgb2lab(rgb)[..., 0]).float()
    return codes / 255, (L / 50 - 1)[:, None]


def assert_same_features(maps, expected):
    assert len(maps) == len(expected)
    for ours, original in zip(maps, expected, strict=True):
        scale = original.std().item()
        assert scale > 0
        torch.testing.assert_close(ours, original, rtol=0, atol=1e-3 * scale)


def size_shown(name, gray):
    """SqueezeNet's first layer would lose a pixel: it is given one more."""
    return tuple(n + int(name == "squeezenet1_1") for n in gray.shape[1:])


@pytest.mark.parametrize("name", NODES)
def test_features_of_a_gray_picture_are_those_of_the_original_network(name):
    network = trained_elsewhere(name)
    original = Original(network, name)
    gray, l = gray_pictures()
    backbone = Backbone(network)
    assert_same_features(backbone(l), original.features(gray, size_shown(name, gray)))
    backbone.train()
    assert_same_features(backbone(l), original.features(gray, size_shown(name, gray)))


@pytest.mark.parametrize("name", NODES)
def test_they_still_are_after_training_the_rest(name):
    network = trained_elsewhere(name)
    original = Original(network, name)
    unet = BackboneUNet(Backbone(network).freeze(), WIDTHS[name])
    gray, l = gray_pictures()
    before = copy.deepcopy(unet.state_dict())
    some_steps(unet, l)
    changed = {k for k, x in unet.state_dict().items() if not torch.equal(x, before[k])}
    assert changed
    assert not any(name.startswith("encoder") for name in changed)
    expected = original.features(gray, size_shown(name, gray))
    assert_same_features(unet.encoder(l), expected)


def test_not_frozen_its_weights_learn_but_its_statistics_stay():
    unet = BackboneUNet(Backbone(trained_elsewhere("resnet18")), WIDTHS["resnet18"])
    before = copy.deepcopy(unet.encoder.state_dict())
    some_steps(unet, gray_pictures()[1])
    for name, value in unet.encoder.state_dict().items():
        is_statistic = "running" in name or "num_batches" in name
        assert torch.equal(value, before[name]) == is_statistic, name


def some_steps(unet, l, steps=2):
    trained = [p for p in unet.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, 1e-2, weight_decay=0.1)
    unet.train()
    for _ in range(steps):
        loss = (unet(l) - 0.5).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


@pytest.mark.parametrize(
    "wrong",
    [
        lambda l: (l + 1) / 2,  # L / 100 taken for a code
        lambda l: l,
    ],
    ids=["code value", "l itself"],
)
def test_what_others_show_the_encoder_gives_other_features(wrong):
    network = trained_elsewhere("resnet18")
    original = Original(network, "resnet18")
    gray, l = gray_pictures()
    right = original.features(gray, gray.shape[1:])[-1]
    given = wrong(l)[:, 0]
    other = original.features(given, gray.shape[1:])[-1]
    assert (other - right).norm() > 0.05 * right.norm()


def test_shown_at_twice_the_size():
    network = trained_elsewhere("squeezenet1_1")
    original = Original(network, "squeezenet1_1")
    gray, l = gray_pictures()
    maps = Backbone(network, magnify=2)(l)
    assert [tuple(m.shape[2:]) for m in maps] == [(64 >> i, 96 >> i) for i in range(4)]
    assert_same_features(maps, original.features(gray, (129, 193)))


# ------------------------------------------------------------ who is pretrained


@pytest.fixture
def stored(hub):
    """The file under which torchvision looks for ResNet18's weights, random here."""
    hub.mkdir(parents=True)
    network = trained_elsewhere("resnet18")
    torch.save(network.state_dict(), hub / RESNET18)
    return network


def test_ours_takes_the_stored_weights(stored):
    gray, l = gray_pictures()
    expected = Original(stored, "resnet18").features(gray, gray.shape[1:])
    assert_same_features(resnet18_unet(pretrained=True).encoder(l), expected)
    random = resnet18_unet().encoder(l)[-1]
    assert (random - expected[-1]).norm() > 0.5 * expected[-1].norm()


def learned_tensors(network):
    return [p for p in network.parameters() if p.ndim == 4]


def test_the_popular_create_body_leaves_the_encoder_random(stored):
    """``create_body(resnet18(), pretrained=True, ...)``, as tutorials write it."""
    learner = pytest.importorskip("fastai.vision.learner")
    popular = learner.create_body(
        torchvision.models.resnet18(), pretrained=True, n_in=1, cut=-2
    )
    expected = learned_tensors(stored)
    assert len(learned_tensors(popular)) == len(expected) == 20
    first, *others = zip(learned_tensors(popular), expected, strict=True)
    assert not any(torch.equal(*pair) for pair in others)
    assert not torch.allclose(first[0], first[1].sum(dim=1, keepdim=True))
    # It only sums the kernels that it is given: with weights of their own they are.
    weights = torchvision.models.ResNet18_Weights.DEFAULT
    right = learner.create_body(
        torchvision.models.resnet18(weights=weights), pretrained=True, n_in=1, cut=-2
    )
    first, *others = zip(learned_tensors(right), expected, strict=True)
    assert all(torch.equal(*pair) for pair in others)
    torch.testing.assert_close(first[0], first[1].sum(dim=1, keepdim=True))


def test_and_ours_has_them_all(stored):
    pairs = zip(
        learned_tensors(resnet18_unet(pretrained=True).encoder),
        learned_tensors(stored),
        strict=True,
    )
    assert all(torch.equal(*pair) for pair in pairs)


# ------------------------------------------------------------ any backbone

BACKBONES = {  # channels of the maps at a half, a quarter, an eighth...
    "resnet18": (64, 64, 128, 256, 512),
    "resnext50_32x4d": (64, 256, 512, 1024, 2048),
    "squeezenet1_0": (96, 256, 512, 512),
    "squeezenet1_1": (64, 128, 256, 512),
    "mobilenet_v2": (16, 24, 32, 96, 1280),
    "mobilenet_v3_small": (16, 16, 24, 48, 576),
    "vgg11": (128, 256, 512, 512, 512),
    "efficientnet_b0": (16, 24, 40, 112, 1280),
    "densenet121": (64, 256, 512, 1024, 1024),
    "regnet_y_400mf": (32, 48, 104, 208, 440),
}


@pytest.fixture(scope="module", params=BACKBONES)
def shapes_only(request):
    """A backbone on the device that works out shapes and nothing else."""
    name = request.param
    # RegNet's constructor reads numbers back, which that device cannot.
    with torch.device("cpu" if name.startswith("regnet") else "meta"):
        return name, Backbone(torchvision.models.get_model(name)).to("meta")


def test_cut_where_the_maps_become_smaller(shapes_only):
    name, backbone = shapes_only
    assert tuple(backbone.channels) == BACKBONES[name]
    maps = backbone(torch.zeros(2, 1, 64, 128, device="meta"))
    assert [tuple(m.shape) for m in maps] == [
        (2, channels, 32 >> i, 64 >> i) for i, channels in enumerate(BACKBONES[name])
    ]


@pytest.mark.parametrize("size", [(33, 47), (61, 224)])
def test_any_backbone_makes_a_unet_for_odd_and_oblong_sizes(shapes_only, size):
    _, backbone = shapes_only
    with torch.device("meta"):
        unet = BackboneUNet(backbone, (len(backbone.channels) + 1) * (8,)).eval()
        assert unet(torch.zeros(2, 1, *size)).shape == (2, 2, *size)


def test_patches_that_lose_nothing_are_not_enlarged():
    """ConvNeXt's first layer has no padding either, but a stride as wide as it is."""
    with torch.device("meta"):
        backbone = Backbone(torchvision.models.convnext_tiny())
        maps = backbone(torch.zeros(1, 1, 64, 96))
    assert backbone.extra == 0
    assert [tuple(m.shape[2:]) for m in maps] == [(16 >> i, 24 >> i) for i in range(4)]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("vit_b_16", "VisionTransformer has neither `features` nor pooling"),
        ("googlenet", "GoogLeNet has neither"),
        ("inception_v3", "Inception3 has neither"),
        ("mnasnet0_5", "MNASNet has neither"),
        ("swin_t", r"maps of shape \(1, 56, 56, 96\), not \(B, C, H, W\)"),
    ],
)
@pytest.mark.filterwarnings("ignore:The default weight initialization")
def test_networks_of_another_build_are_refused(name, reason):
    with torch.device("meta"), pytest.raises(ValueError, match=reason):
        Backbone(torchvision.models.get_model(name))


def test_finding_the_cuts_changes_nothing():
    network = trained_elsewhere("mobilenet_v3_small")
    before = copy.deepcopy(network.features.state_dict())
    backbone = Backbone(network)
    values = [*backbone.stages.state_dict().values()]
    assert all(map(torch.equal, values, before.values()))


# ------------------------------------------------------------ the modes of an encoder


def test_the_encoder_stays_in_evaluation_mode_and_the_decoder_does_not():
    unet = BackboneUNet(Backbone(trained_elsewhere("resnet18")), WIDTHS["resnet18"])
    assert unet.train() is unet
    assert not any(m.training for m in unet.encoder.modules())
    assert all(m.training for m in unet.merges.modules())
    assert unet.bottom.training


def test_frozen_nothing_of_the_encoder_is_trained():
    unet = squeezenet_unet()
    assert unet.encoder.freeze() is unet.encoder
    trained = {name for name, p in unet.named_parameters() if p.requires_grad}
    assert trained == {n for n, _ in unet.named_parameters() if "encoder" not in n}
    unet(lightness(32, 32)).sum().backward()
    assert all(p.grad is None for p in unet.encoder.parameters())
    assert {name.split(".")[0] for name in unet.state_dict()} == {
        "encoder", "bottom", "merges", "color",
    }  # fmt: skip


# ------------------------------------------------------------ the decoder


def test_parameter_counts():
    assert parameters(squeezenet_unet()) == 3_550_658
    assert parameters(resnet18_unet()) == 13_888_674
    frozen = resnet18_unet()
    frozen.encoder.freeze()
    trained = sum(p.numel() for p in frozen.parameters() if p.requires_grad)
    assert trained == 13_888_674 - 11_176_512  # ResNet18 without its classifier


def test_each_merge_takes_the_map_below_and_the_one_across():
    unet = squeezenet_unet()
    first = [merge[0] for merge in unet.merges]
    assert [c.in_channels for c in first] == [320 + 256, 192 + 128, 96 + 64, 48 + 1]
    assert [c.out_channels for c in first] == [192, 96, 48, 24]
    kinds = (nn.ConvTranspose2d, nn.PixelShuffle)
    assert not any(isinstance(m, kinds) for m in unet.modules())


class Watched(nn.Module):
    def __init__(self):
        super().__init__()
        self.seen = []

    def forward(self, x):
        self.seen.append(tuple(x.shape[1:]))
        return x


def test_every_map_goes_across_and_last_the_picture_itself():
    network = torchvision.models.resnet18()
    unet = BackboneUNet(Backbone(network), WIDTHS["resnet18"], carry=Watched).eval()
    unet(torch.zeros(1, 1, 65, 40))
    assert unet.carry.seen == [
        (256, 5, 3), (128, 9, 5), (64, 17, 10), (64, 33, 20), (1, 65, 40),
    ]  # fmt: skip


@pytest.mark.parametrize("carry", [nn.Identity, Silence])
def test_with_the_bottom_cut_off_only_skips_reach_the_colors(carry):
    network = torchvision.models.squeezenet1_1()
    unet = BackboneUNet(Backbone(network), WIDTHS["squeezenet1_1"], carry=carry).eval()
    nn.init.zeros_(unet.bottom[0].weight)
    one, other = unet(lightness(32, 32)), unet(lightness(32, 32))
    assert torch.equal(one, other) == (carry is Silence)


def test_at_full_size_l_itself_is_seen_pixel_by_pixel():
    unet = squeezenet_unet().eval()
    nn.init.zeros_(unet.merges[-1][0].weight[:, :-1])  # nothing from below
    l = lightness(48, 48)
    changed = l.clone()
    changed[..., 20, 30] *= -1
    moved = (unet(changed) - unet(l)).abs().amax(dim=(0, 1)).nonzero()
    assert len(moved) > 0
    assert moved.min(dim=0).values.tolist() >= [19, 29]
    assert moved.max(dim=0).values.tolist() <= [21, 31]


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_with_fewer_widths_it_stops_at_a_coarser_map_and_enlarges(count):
    backbone = Backbone(torchvision.models.squeezenet1_1())
    unet = BackboneUNet(backbone, count * (8,)).eval()
    coarse = []
    unet.color.register_forward_hook(
        lambda module, given, answer: coarse.append(answer)
    )
    ab = unet(lightness(64, 96))
    assert coarse[0].shape[2:] == (64 >> (5 - count), 96 >> (5 - count))
    expected = F.interpolate(coarse[0], (64, 96), mode="bilinear")
    torch.testing.assert_close(ab, expected)


def test_the_norm_of_the_decoder_is_injected():
    backbone = Backbone(torchvision.models.squeezenet1_1())
    unet = BackboneUNet(backbone, 5 * (8,), norm=nn.InstanceNorm2d)
    assert sum(isinstance(m, nn.InstanceNorm2d) for m in unet.modules()) == 5
    assert not any(isinstance(m, nn.BatchNorm2d) for m in unet.modules())


@pytest.mark.parametrize("widths", [6 * (8,), 9 * (8,)])
def test_widths_that_do_not_fit_are_refused_with_what_would(widths):
    backbone = Backbone(torchvision.models.squeezenet1_1())
    message = rf"maps of 64, 128, 256, 512 channels: give 5 widths or fewer, not {len(widths)}"
    with pytest.raises(ValueError, match=message):
        BackboneUNet(backbone, widths)


def test_a_network_in_the_place_of_a_backbone_is_refused_with_the_remedy():
    with pytest.raises(TypeError, match=r"not SqueezeNet; give Backbone\(network\)"):
        BackboneUNet(torchvision.models.squeezenet1_1(), 5 * (8,))
    with pytest.raises(
        TypeError, match=r"not 'resnet18'; .*torchvision_network\(name\)"
    ):
        Backbone("resnet18")


@pytest.mark.parametrize("size", [(SMALLEST - 1, 64), (64, SMALLEST - 1), (7, 7)])
def test_smaller_pictures_are_refused(size):
    with pytest.raises(
        ValueError, match=f"height {size[0]} and width {size[1]} must be at least 32"
    ):
        squeezenet_unet()(lightness(*size))
