"""The fusion autoencoder: its layers, its frozen branch, and that both are heard."""

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from colorize_lib.color import lightness_to_gray
from colorize_lib.models import (
    FusionAutoencoder,
    efficientnet_lite_fusion,
    inception_fusion,
    silenced_fusion,
    squeezenet_fusion,
)
from colorize_lib.models.fusion import Frozen
from colorize_lib.models.parts import Silence
from colorize_lib.models.pretrained import Classifier

OUTPUTS = 10


def tiny_classifier():
    network = nn.Sequential(
        nn.Conv2d(3, 8, 3, stride=2), nn.BatchNorm2d(8), nn.ReLU(), nn.Dropout(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, OUTPUTS),
    )  # fmt: skip
    return Classifier(network, size=32)


@pytest.fixture
def classifier():
    return tiny_classifier()


@pytest.fixture
def fusion(classifier):
    return FusionAutoencoder(classifier, outputs=OUTPUTS)


def parameters(network):
    return sum(p.numel() for p in network.parameters())


def lightness(count=2, size=32):
    return torch.rand(count, 1, size, size) * 2 - 1


def state_of(network):
    return {name: value.clone() for name, value in network.state_dict().items()}


def same(state, other):
    return all(torch.equal(state[name], other[name]) for name in state)


def some_steps(network, steps=3):
    optimizer = torch.optim.AdamW(network.parameters(), 1e-2, weight_decay=0.1)
    network.train()
    for _ in range(steps):
        loss = network(lightness()).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


# ------------------------------------------------------------ layers


def test_parameter_count_of_the_paper():
    network = FusionAutoencoder(nn.Identity())
    assert parameters(network) == 7_075_922


def test_layers_in_the_order_of_the_paper():
    convolutions = [
        m
        for m in FusionAutoencoder(nn.Identity()).modules()
        if isinstance(m, nn.Conv2d)
    ]
    layers = [(c.out_channels, c.kernel_size[0], c.stride[0]) for c in convolutions]
    assert layers == [
        (64, 3, 2), (128, 3, 1), (128, 3, 2), (256, 3, 1), (256, 3, 2), (512, 3, 1),
        (512, 3, 1), (256, 3, 1),
        (256, 1, 1),
        (256, 3, 1), (128, 3, 1), (32, 3, 1), (16, 3, 1), (2, 3, 1),
    ]  # fmt: skip
    assert convolutions[8].in_channels == 256 + 1000


def test_with_inception_resnet_v2_whose_weights_do_not_count():
    pytest.importorskip("timm")
    network = inception_fusion(pretrained=False).eval()
    assert parameters(network) == 7_075_922
    classifier = network.classifier.network
    assert type(classifier.network).__name__ == "InceptionResnetV2"
    assert parameters(classifier) == 55_843_464
    assert classifier.size == 299
    assert classifier.see.mean.flatten().tolist() == [0.5, 0.5, 0.5]
    assert classifier.see.std.flatten().tolist() == [0.5, 0.5, 0.5]
    with torch.inference_mode():
        ab = network(lightness(1, 64))
    assert ab.shape == (1, 2, 64, 64)
    assert ab.isfinite().all()


def test_its_classifier_is_shown_gray_photographs_as_it_was_trained():
    classifier = efficientnet_lite_fusion(pretrained=False).classifier.network
    l = lightness(2)
    gray = lightness_to_gray(50 * (l + 1)).expand(-1, 3, -1, -1)
    square = F.interpolate(gray, (224, 224), mode="bilinear", antialias=True)
    with torch.inference_mode():
        expected = classifier.network(2 * square - 1)
        torch.testing.assert_close(classifier(l), expected, rtol=1e-3, atol=1e-4)


def test_silenced_it_has_the_same_weights_and_hears_nothing():
    torch.manual_seed(0)
    network = efficientnet_lite_fusion(pretrained=False).eval()
    torch.manual_seed(0)
    control = silenced_fusion().eval()
    for name, x in network.state_dict().items():
        assert torch.equal(x, control.state_dict()[name]), name
    l = lightness(2)
    assert torch.equal(control.classifier(l), torch.zeros(2, 1000))
    assert parameters(network) == parameters(control) == 7_075_922
    assert parameters(network.classifier.network) == 4_652_008
    assert torch.equal(control(l), network(l, torch.zeros(2, 1000)))
    assert not torch.equal(control(l), network(l))


# ------------------------------------------------------------ what is fused


def test_logits_known_already_give_the_same_colors(fusion, classifier):
    l = lightness()
    logits = classifier(l)
    assert logits.shape == (2, OUTPUTS)
    assert torch.equal(fusion(l, logits=logits), fusion(l))


def test_every_position_hears_the_same_logits_of_its_own_picture(fusion):
    given = []
    fusion.fuse.register_forward_hook(lambda m, inputs, out: given.append(inputs[0]))
    logits = torch.randn(2, OUTPUTS)
    l = lightness(size=48)
    fusion(l, logits)
    assert torch.equal(given[0][:, :256], fusion.encoder(l))
    heard = given[0][:, 256:]
    assert torch.equal(heard, logits[:, :, None, None].expand(2, OUTPUTS, 6, 6))


def test_another_logits_gives_other_colors_and_silence_those_of_none(classifier):
    fusion = FusionAutoencoder(classifier, OUTPUTS).eval()
    l = lightness()
    none = torch.zeros(2, OUTPUTS)
    assert (fusion(l) - fusion(l, 5 + none)).abs().max() > 1e-4
    deaf = FusionAutoencoder(nn.Sequential(classifier, Silence()), OUTPUTS).eval()
    deaf.load_state_dict(fusion.state_dict())
    assert torch.equal(deaf(l), fusion(l, none))


def test_squeezenet_is_heard_as_what_differs_between_pictures():
    network = squeezenet_fusion(pretrained=False)
    heard = []
    network.fuse.register_forward_hook(lambda m, given, out: heard.append(given[0]))
    logits = 7 + 3 * torch.randn(16, 1000)
    network.train()(lightness(16), logits)
    network.eval()
    network(lightness(16), logits)
    in_training, afterwards = (x[:, 256:, 0, 0] for x in heard)
    torch.testing.assert_close(
        in_training.mean(0), torch.zeros(1000), atol=1e-4, rtol=0
    )
    spread = in_training.std(0, correction=0)
    torch.testing.assert_close(spread, torch.ones(1000), atol=1e-3, rtol=0)
    # By the running statistics of training, not by the pictures at hand.
    assert not torch.allclose(afterwards, in_training, atol=0.1)


# ------------------------------------------------------------ frozen


def test_what_is_frozen_is_no_part_of_the_network(fusion, classifier):
    assert len(list(classifier.parameters())) == 6
    hidden = {id(p) for p in classifier.parameters()}
    assert not any(p.requires_grad for p in classifier.parameters())
    optimizer = torch.optim.AdamW(fusion.parameters())
    trained = [p for group in optimizer.param_groups for p in group["params"]]
    assert not hidden & {id(p) for p in trained}
    assert not any("classifier" in name for name in fusion.state_dict())
    assert not any("classifier" in name for name, _ in fusion.named_parameters())
    assert not list(fusion.named_buffers())


def test_nothing_in_it_moves_while_the_rest_is_trained(fusion, classifier):
    assert any("running_mean" in name for name in classifier.state_dict())
    before, others = state_of(classifier), state_of(fusion)
    some_steps(fusion)
    assert same(before, classifier.state_dict())
    assert not any(
        torch.equal(others[name], value) for name, value in fusion.state_dict().items()
    )


def test_freezing_parameters_alone_would_let_batchnorm_go_on_averaging():
    """Why Frozen is needed: the usual way, with the same steps."""

    class Usual(FusionAutoencoder):
        def __init__(self, classifier):
            super().__init__(classifier, OUTPUTS)
            self.classifier = classifier.requires_grad_(False)

    classifier = tiny_classifier()
    before = state_of(classifier)
    some_steps(Usual(classifier))
    assert not same(before, classifier.state_dict())


def test_it_stays_in_evaluation_mode(fusion, classifier):
    assert not any(m.training for m in classifier.modules())
    fusion.train()
    assert not any(m.training for m in classifier.modules())
    l = lightness()
    assert torch.equal(fusion.classifier(l), fusion.classifier(l)), "dropout"


def test_no_gradient_goes_through_it(fusion, classifier):
    l = lightness().requires_grad_()
    assert not fusion.classifier(l).requires_grad
    fusion(l).sum().backward()
    assert all(p.grad is None for p in classifier.parameters())
    through_the_encoder_alone = l.grad.clone()
    l.grad = None
    fusion(l, fusion.classifier(l).detach()).sum().backward()
    assert torch.equal(l.grad, through_the_encoder_alone)


def test_it_moves_along_to_another_type_and_device(fusion, classifier):
    l = lightness()
    expected = fusion(l)
    fusion.to(torch.float64)
    assert {p.dtype for p in classifier.parameters()} == {torch.float64}
    torch.testing.assert_close(fusion(l.double()), expected.double())
    fusion.to("meta")
    tensors = [*classifier.parameters(), *classifier.buffers()]
    assert {x.device.type for x in tensors} == {"meta"}
    assert fusion(l.double().to("meta")).shape == (2, 2, 32, 32)


def test_frozen_gives_the_answers_of_the_network_in_evaluation_mode():
    network = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Dropout())
    x = torch.randn(5, 4)
    expected = copy.deepcopy(network).eval()(x)
    frozen = Frozen(network)
    assert frozen.network is network
    torch.testing.assert_close(frozen(x), expected)
    assert not list(frozen.parameters())
    assert not frozen.state_dict()
