"""The U-Net on a pretrained backbone, and the proof that the backbone is what it was.

The reference is the source's own network on the sRGB gray of the picture, normalized as
for its training: nothing of it is this project's code.
"""

import copy
import sys
from functools import partial

import numpy as np
import pytest
import skimage.color
import torch
import torchvision
from hub_helpers import put_random_squeezenet
from torch import nn
from torch.nn import functional as F
from torchvision.models.feature_extraction import create_feature_extractor

from colorize_lib.models import (
    BackboneUNet,
    backbone_unet,
    efficientnet_lite_unet,
    resnet18_unet,
    squeezenet_unet,
)
from colorize_lib.models.backbone_unet import SMALLEST
from colorize_lib.models.parts import Silence
from colorize_lib.models.pretrained import WeightsUnavailableError
from colorize_lib.weights import load_weights, save_weights

timm = pytest.importorskip("timm")
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
HALVES = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


def parameters(network):
    return sum(p.numel() for p in network.parameters())


def lightness(*size, count=2):
    return torch.rand(count, 1, *size) * 2 - 1


def as_trained(network):
    """Its BatchNorm has seen something, and each kernel differs from the next."""
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.normal_(layer.running_mean, std=0.1)
            nn.init.uniform_(layer.running_var, 0.5, 2)
            nn.init.uniform_(layer.weight, 0.5, 1.5)
            nn.init.normal_(layer.bias, std=0.1)
    return network.eval()


# ------------------------------------------------------------ the proof, once a source


def of_torchvision(name, nodes, network=None):
    network = network or as_trained(torchvision.models.get_model(name))
    extract = create_feature_extractor(network, nodes)
    return network, lambda x: list(extract(x).values())


def of_timm(name):
    network = as_trained(timm.create_model(name, features_only=True))
    return network, network


SQUEEZENET_NODES = [f"features.{n}" for n in (1, 4, 7, 12)]
RESNET_NODES = ["relu", "layer1", "layer2", "layer3", "layer4"]
SOURCES = {  # a U-Net, its original, how that was normalized, at which size it is shown
    "torchvision": (
        squeezenet_unet,
        partial(of_torchvision, "squeezenet1_1", SQUEEZENET_NODES),
        IMAGENET,
        (129, 193),  # twice, and a pixel more that its first layer would lose
    ),
    "Google": (
        efficientnet_lite_unet,
        partial(of_timm, "tf_efficientnet_lite0"),
        HALVES,
        (64, 96),
    ),
    "timm": (
        partial(backbone_unet, "mobilenetv3_small_100"),
        partial(of_timm, "mobilenetv3_small_100"),
        IMAGENET,
        (64, 96),
    ),
}


def gray_pictures(count=2, size=(64, 96)):
    """Gray sRGB values in [0, 1] as of a file, and l of the same pictures."""
    codes = torch.randint(0, 256, (count, 1, size[0] // 8, size[1] // 8)).float()
    codes = F.interpolate(codes, size, mode="bilinear").round().to(torch.uint8)[:, 0]
    rgb = np.stack([codes.numpy()] * 3, axis=-1)
    L = torch.tensor(skimage.color.rgb2lab(rgb)[..., 0]).float()
    return codes / 255, (L / 50 - 1)[:, None]


@torch.no_grad()
def original_features(network, normalization, gray, size):
    mean, std = (torch.tensor(x)[:, None, None] for x in normalization)
    normalized = (gray[:, None].expand(-1, 3, -1, -1) - mean) / std
    if size != gray.shape[1:]:
        normalized = F.interpolate(normalized, size, mode="bilinear")
    return network(normalized)


def assert_same_features(maps, expected):
    assert len(maps) == len(expected)
    for ours, original in zip(maps, expected, strict=True):
        scale = original.std().item()
        assert scale > 0
        torch.testing.assert_close(ours, original, rtol=0, atol=1e-3 * scale)


def same_weights(unet, network):
    """Give an encoder its original's numbers, which lie in the same order."""
    ours = unet.encoder.state_dict()
    theirs = list(network.state_dict().values())[: len(ours)]
    unet.encoder.load_state_dict(dict(zip(ours, theirs, strict=True)))


def some_steps(unet, l, steps=2):
    trained = [p for p in unet.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, 1e-2, weight_decay=0.1)
    unet.train()
    for _ in range(steps):
        loss = (unet(l) - 0.5).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


@pytest.mark.parametrize("source", SOURCES)
def test_features_of_a_gray_picture_are_the_originals_after_training_the_rest_too(
    source,
):
    make, original, normalization, size = SOURCES[source]
    network, maps = original()
    unet = make()
    same_weights(unet, network)
    gray, l = gray_pictures()
    expected = original_features(maps, normalization, gray, size)
    assert_same_features(unet.encoder(l), expected)
    assert unet.encoder.channels == [x.shape[1] for x in expected]
    unet.encoder.freeze()
    before = copy.deepcopy(unet.state_dict())
    some_steps(unet, l)
    changed = {k for k, x in unet.state_dict().items() if not torch.equal(x, before[k])}
    assert changed
    assert not any(name.startswith("encoder") for name in changed)
    assert_same_features(unet.encoder(l), expected)


def test_not_frozen_its_weights_learn_but_its_statistics_stay():
    unet = backbone_unet("mobilenetv3_small_100")
    as_trained(unet.encoder)
    before = copy.deepcopy(unet.encoder.state_dict())
    some_steps(unet, gray_pictures()[1])
    for name, value in unet.encoder.state_dict().items():
        is_statistic = "running" in name or "num_batches" in name
        assert torch.equal(value, before[name]) == is_statistic, name


@pytest.mark.parametrize(
    "wrong", [lambda l: (l + 1) / 2, lambda l: l], ids=["L for a code", "l itself"]
)
def test_what_others_show_the_encoder_gives_other_features(wrong):
    _, maps = of_torchvision("resnet18", RESNET_NODES)
    gray, l = gray_pictures()
    right, other = (
        original_features(maps, IMAGENET, x, gray.shape[1:])[-1]
        for x in (gray, wrong(l)[:, 0])
    )
    assert (other - right).norm() > 0.05 * right.norm()


def test_a_resnet_that_was_stored_with_numbers_for_layers_is_read(tmp_path):
    """As before timm built it: torchvision's layers in groups, by their positions."""
    network, maps = of_torchvision("resnet18", RESNET_NODES)
    *layers, _, _ = network.children()
    cut = [layers[:3], layers[3:5], [layers[5]], [layers[6]], [layers[7]]]
    unet = resnet18_unet()
    new = unet.encoder.stages
    unet.encoder.stages = nn.ModuleList(nn.Sequential(*group) for group in cut)
    options = {"architecture": "unet_resnet18", "size": 96, "about": ""}
    path = save_weights(unet, tmp_path / "old.safetensors", **options)
    unet.encoder.stages = new
    loaded, _ = load_weights(path)
    gray, l = gray_pictures()
    expected = original_features(maps, IMAGENET, gray, gray.shape[1:])
    for ours, theirs in zip(loaded.encoder(l), expected, strict=True):
        assert (ours - theirs).norm() < 0.01 * theirs.norm()  # float16


# ------------------------------------------------------------ who is pretrained


def test_ours_takes_the_stored_weights(hub):
    stored = put_random_squeezenet(hub)
    encoder = squeezenet_unet(pretrained=True).encoder
    pairs = zip(encoder.parameters(), stored.features.parameters(), strict=True)
    assert all(torch.equal(*pair) for pair in pairs)
    random = squeezenet_unet().encoder.stages[0][0].weight
    assert not torch.equal(random, stored.features[0].weight)


def test_the_popular_create_body_leaves_the_encoder_random(hub):
    """``create_body(resnet18(), pretrained=True, ...)``, as tutorials write it."""
    learner = pytest.importorskip("fastai.vision.learner")
    hub.mkdir(parents=True)
    stored = torchvision.models.resnet18()
    torch.save(stored.state_dict(), hub / "resnet18-f37072fd.pth")
    network = torchvision.models.resnet18()
    popular = learner.create_body(network, pretrained=True, n_in=1, cut=-2)
    kernels, expected = (
        [p for p in x.parameters() if p.ndim == 4] for x in (popular, stored)
    )
    assert len(kernels) == len(expected) == 20
    pairs = zip(kernels[1:], expected[1:], strict=True)
    assert not any(torch.equal(*pair) for pair in pairs)
    assert not torch.allclose(kernels[0], expected[0].sum(dim=1, keepdim=True))


# ------------------------------------------------------------ any backbone


@pytest.mark.parametrize("name", ["resnet18", "vgg11", "convnext_atto"])
def test_any_convolutional_network_makes_a_unet_for_odd_and_oblong_sizes(name):
    with torch.device("meta"):
        unet = backbone_unet(name).eval()
        assert unet(torch.zeros(2, 1, 33, 47)).shape == (2, 2, 33, 47)


@pytest.mark.parametrize(
    "name", ["vit_tiny_patch16_224", "swin_tiny_patch4_window7_224"]
)
def test_networks_of_another_build_are_refused(name):
    with torch.device("meta"), pytest.raises(ValueError, match=f"the maps of '{name}'"):
        backbone_unet(name)


def test_without_timm_the_message_says_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(
        WeightsUnavailableError, match="pip install timm, or take Squee"
    ):
        resnet18_unet()


# ------------------------------------------------------------ the modes of an encoder


def test_the_encoder_stays_in_evaluation_mode_and_the_decoder_does_not():
    unet = squeezenet_unet()
    assert unet.train() is unet
    assert not any(m.training for m in unet.encoder.modules())
    assert all(m.training for m in unet.merges.modules())


def test_frozen_nothing_of_the_encoder_is_trained():
    unet = squeezenet_unet()
    assert unet.encoder.freeze() is unet.encoder
    trained = {name for name, p in unet.named_parameters() if p.requires_grad}
    assert trained == {n for n, _ in unet.named_parameters() if "encoder" not in n}
    unet(lightness(32, 32)).sum().backward()
    assert all(p.grad is None for p in unet.encoder.parameters())


# ------------------------------------------------------------ the decoder


def test_parameter_counts():
    assert parameters(squeezenet_unet()) == 3_550_658
    assert parameters(efficientnet_lite_unet()) == 4_711_970
    assert parameters(resnet18_unet()) == 13_888_674
    # ResNet18 without its classifier:
    assert parameters(resnet18_unet().encoder) == 11_176_512


def test_each_merge_takes_the_map_below_and_the_one_across():
    unet = squeezenet_unet()
    first = [merge[0] for merge in unet.merges]
    assert [c.in_channels for c in first] == [320 + 256, 192 + 128, 96 + 64, 48 + 1]
    assert [c.out_channels for c in first] == [192, 96, 48, 24]
    kinds = (nn.ConvTranspose2d, nn.PixelShuffle)
    assert not any(isinstance(m, kinds) for m in unet.modules())


@pytest.mark.parametrize("carry", [nn.Identity, Silence])
def test_with_the_bottom_cut_off_only_skips_reach_the_colors(carry):
    unet = BackboneUNet(squeezenet_unet().encoder, 5 * (8,), carry=carry).eval()
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


def test_colors_are_predicted_at_half_the_size_and_enlarged():
    unet, sizes = efficientnet_lite_unet().eval(), []
    unet.color.register_forward_hook(
        lambda module, given, answer: sizes.append(tuple(answer.shape[2:]))
    )
    assert unet(lightness(64, 96, count=1)).shape == (1, 2, 64, 96)
    assert sizes == [(32, 48)]


@pytest.mark.parametrize("count", [1, 4])
def test_with_fewer_widths_it_stops_at_a_coarser_map_and_enlarges(count):
    unet = BackboneUNet(squeezenet_unet().encoder, count * (8,)).eval()
    coarse = []
    unet.color.register_forward_hook(
        lambda module, given, answer: coarse.append(answer)
    )
    ab = unet(lightness(64, 96))
    assert coarse[0].shape[2:] == (64 >> (4 - count), 96 >> (4 - count))
    expected = F.interpolate(coarse[0], (64, 96), mode="bilinear")
    torch.testing.assert_close(ab, expected)


def test_the_norm_of_the_decoder_is_injected():
    backbone = squeezenet_unet().encoder
    unet = BackboneUNet(backbone, 5 * (8,), norm=nn.InstanceNorm2d)
    assert sum(isinstance(m, nn.InstanceNorm2d) for m in unet.modules()) == 5
    assert not any(isinstance(m, nn.BatchNorm2d) for m in unet.modules())


@pytest.mark.parametrize("widths", [6 * (8,)])
def test_widths_that_do_not_fit_are_refused_with_what_would(widths):
    backbone = squeezenet_unet().encoder
    message = rf"maps of 64, 128, 256, 512 channels: give 5 widths or fewer, not {len(widths)}"
    with pytest.raises(ValueError, match=message):
        BackboneUNet(backbone, widths)


def test_a_network_in_the_place_of_a_backbone_is_refused_with_the_remedy():
    with pytest.raises(TypeError, match=r"not SqueezeNet; backbone_unet\(name\)"):
        BackboneUNet(torchvision.models.squeezenet1_1(), 5 * (8,))


@pytest.mark.parametrize("size", [(SMALLEST - 1, 64), (64, SMALLEST - 1)])
def test_smaller_pictures_are_refused(size):
    with pytest.raises(
        ValueError, match=f"height {size[0]} and width {size[1]} must be at least 32"
    ):
        squeezenet_unet()(lightness(*size))
