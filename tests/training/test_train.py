"""A recipe is followed to the letter, and resumed to the last bit."""

from copy import deepcopy
from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from training_helpers import same, stop_at, without_clock

from colorize_lib.color_bins import gamut_bins
from colorize_lib.evaluation.choose import validation_scores
from colorize_lib.models import (
    COLORIZERS,
    Backbone,
    BackboneUNet,
    ColorClassifier,
    squeezenet_unet,
)
from colorize_lib.models.parts import Stages
from colorize_lib.photos import from_path
from colorize_lib.photos.collection import Pictures
from colorize_lib.training import learner
from colorize_lib.training import train as following
from colorize_lib.training.classification import (
    Classification,
    rebalance,
    start_at_frequencies,
)
from colorize_lib.training.learner import Precision, hold_then_fall, one_cycle
from colorize_lib.training.loop import load_checkpoint, save_checkpoint
from colorize_lib.training.pix2pix import Pix2Pix, Pix2PixSettings
from colorize_lib.training.recipes import Recipe, Stage
from colorize_lib.training.regression import Regression
from colorize_lib.training.train import best_so_far, method_of, train, untrained
from colorize_lib.training.wgan_gp import WassersteinGP, WGANGPSettings
from colorize_lib.weights import save_weights


class Tiny(nn.Sequential):
    """All that can differ after a resume: statistics, dropout, weights."""

    def __init__(self):
        super().__init__(
            nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(),
            nn.Dropout(0.2), nn.Conv2d(8, 2, 3, padding=1), nn.Tanh(),
        )  # fmt: skip


STAGES = (
    Stage(32, epochs=2, batch_size=4, learning_rate=1e-2, small_pictures=True),
    Stage(64, epochs=1, batch_size=3, learning_rate=4e-3),
)
RECIPE = Recipe("tiny-l1", "tiny", STAGES, loss="l1")
BEST_AND_LAST = ("best.pt", "last.pt")
STEPS = (2 * (26 // 4), 20 // 3)  # of each stage


@pytest.fixture(autouse=True)
def tiny(monkeypatch):
    monkeypatch.setitem(COLORIZERS, "tiny", Tiny)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory, write_photos):
    home = tmp_path_factory.mktemp("photos")
    return Pictures(
        data=[from_path(write_photos(home / "data", 30))],
        small=[from_path(write_photos(home / "small", 6, seed=1, size=(32, 32)))],
        folder=home / "prepared",
        validation=5,
        test=5,
    )


def follow(pictures, folder, recipe=RECIPE):
    options = {"precision": "float32", "show_progress": False}
    return train(recipe, pictures, folder, **options)


@pytest.fixture(scope="module")
def undisturbed(pictures, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(COLORIZERS, "tiny", Tiny)
        return follow(pictures, tmp_path_factory.mktemp("undisturbed"))


def alike(one, other):
    """Whether two networks or their states are the same."""
    states = [x.state_dict() if isinstance(x, nn.Module) else x for x in (one, other)]
    return same(*states)


# ------------------------------------------------------------ followed to the letter


def test_each_stage_is_trained_as_the_recipe_says(pictures, tmp_path, monkeypatch):
    calls = []

    def fit(method, images, folder, **options):
        calls.append((method, images, folder, options))
        network = method.network.state_dict()
        save_checkpoint({"network": network}, folder / "best.pt")
        return [{"epoch": 1}]

    monkeypatch.setattr(following, "fit", fit)
    recipe = Recipe("x", "tiny", STAGES, loss="l2", weight_decay=0.03, seed=7)
    network, history = follow(pictures, tmp_path, recipe)
    assert history == [{"size": 32, "epoch": 1}, {"size": 64, "epoch": 1}]
    assert [call[2] for call in calls] == [tmp_path / "1-32px", tmp_path / "2-64px"]
    for stage, steps, (method, images, _, options) in zip(
        STAGES, STEPS, calls, strict=True
    ):
        assert method.network is network
        assert method.loss is F.mse_loss
        assert method.learner.precision == Precision("float32", "cpu")
        group = method.learner.optimizer.param_groups[0]
        assert group["weight_decay"] == 0.03
        assert group["initial_lr"] == stage.learning_rate
        rates = rates_of(method, steps)
        shares = [one_cycle(steps, step) for step in range(steps)]
        assert rates == pytest.approx([stage.learning_rate * x for x in shares])
        expected = pictures.for_training(stage.size, small=stage.small_pictures)
        assert images.names == expected.names
        assert options["crop"] == stage.size
        assert options["epochs"] == stage.epochs
        assert options["batch_size"] == stage.batch_size
        assert options["seed"] == 7
        assert options["best_by"] == "ciede2000"
        again = validation_scores(
            network, pictures.held_out("validation", stage.size), "cpu"
        )
        assert options["validate"](network) == again


def rates_of(method, steps):
    rates = []
    for _ in range(steps):
        rates.append(method.learner.optimizer.param_groups[0]["lr"])
        method.learner.optimizer.step()
        method.learner.scheduler.step()
    return rates


def test_each_stage_hands_on_its_best_epoch(pictures, tmp_path, monkeypatch):
    handed_on, scores = [], iter([1.0, 2.0, 3.0])  # the first epoch is the best
    fit = following.fit

    def spy(method, *arguments, **more):
        handed_on.append(deepcopy(method.network))
        return fit(method, *arguments, **more)

    def validation_scores(*arguments, **more):
        return {"ciede2000": next(scores)}

    monkeypatch.setattr(following, "fit", spy)
    monkeypatch.setattr(following, "validation_scores", validation_scores)
    network, _ = follow(pictures, tmp_path)
    best, last = (load_checkpoint(tmp_path / "1-32px" / x) for x in BEST_AND_LAST)
    assert best["line"]["epoch"] == 1
    assert alike(handed_on[1], best["network"])
    assert not alike(handed_on[1], last["method"]["network"])
    assert alike(network, load_checkpoint(tmp_path / "2-64px" / "best.pt")["network"])


# ------------------------------------------------------------ one at a time


# ------------------------------------------------------------ few pictures


def test_fewer_pictures_than_a_batch_make_smaller_batches(
    pictures, tmp_path, monkeypatch, capsys
):
    large = [replace(stage, batch_size=64) for stage in STAGES]
    sizes, fit = [], following.fit

    def spy(*arguments, batch_size, **more):
        sizes.append(batch_size)
        return fit(*arguments, batch_size=batch_size, **more)

    monkeypatch.setattr(following, "fit", spy)
    recipe = replace(RECIPE, stages=tuple(large))
    _, history = train(recipe, pictures, tmp_path, precision="float32")
    assert sizes == [26, 20]
    assert len(history) == 3
    told = capsys.readouterr().out
    assert "32 px: batches of 26 pictures instead of 64, because there are 26\n" in told
    assert "64 px: batches of 20 pictures instead of 64, because there are 20\n" in told


# ------------------------------------------------------------ the best so far


def test_the_best_so_far_is_that_of_the_last_stage_with_an_epoch(
    pictures, tmp_path, monkeypatch, undisturbed
):
    with pytest.raises(ValueError, match=f"no epoch of the run in {tmp_path} is"):
        best_so_far(RECIPE, tmp_path)
    with monkeypatch.context() as patch:
        stop_at(patch, STEPS[0] // 2 + 2)  # in the second epoch of the first stage
        with pytest.raises(KeyboardInterrupt):
            follow(pictures, tmp_path)
    network, history = best_so_far(RECIPE, tmp_path)
    assert not network.training
    assert alike(network, load_checkpoint(tmp_path / "1-32px" / "best.pt")["network"])
    assert without_clock(history) == without_clock(undisturbed[1])[:1]
    with pytest.raises(ValueError, match="follows another recipe"):
        best_so_far(replace(RECIPE, seed=1), tmp_path)

    follow(pictures, tmp_path)  # it was not disturbed, and goes on
    network, history = best_so_far(RECIPE, tmp_path)
    assert alike(network, undisturbed[0])
    assert without_clock(history) == without_clock(undisturbed[1])


# ------------------------------------------------------------ a pretrained encoder


class TinyClassifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.BatchNorm2d(8), nn.ReLU(),
            nn.Conv2d(8, 16, 3, stride=2, padding=1), nn.BatchNorm2d(16), nn.ReLU(),
        )  # fmt: skip


def on_a_backbone(*, pretrained=False):
    network = TinyClassifier()
    if pretrained:
        state = network.features.state_dict()
        network.features.load_state_dict(
            {name: torch.full_like(x, 0.1) for name, x in state.items()}
        )
    stages = Stages([network.features[:3], network.features[3:]])
    return BackboneUNet(Backbone(stages, (8, 16)), widths=(8, 8, 8))


ON_A_BACKBONE = replace(RECIPE, network="on_a_backbone", pretrained=True)


@pytest.fixture
def backbone(monkeypatch):
    monkeypatch.setitem(COLORIZERS, "on_a_backbone", on_a_backbone)


def changed(network, before):
    state = network.state_dict()
    return {name for name in state if not torch.equal(state[name], before[name])}


def test_a_pretrained_encoder_stays_as_it_is_and_the_decoder_learns(
    pictures, tmp_path, backbone
):
    torch.manual_seed(ON_A_BACKBONE.seed)
    before = untrained(ON_A_BACKBONE).state_dict()
    network, _ = follow(pictures, tmp_path, ON_A_BACKBONE)
    encoder = {name for name in before if name.startswith("encoder")}
    assert all((before[name] == 0.1).all() for name in encoder if "weight" in name)
    assert changed(network, before) == set(before) - encoder
    again, _ = follow(pictures, tmp_path, ON_A_BACKBONE)
    assert alike(network, again)
    assert not any(p.requires_grad for p in again.encoder.parameters())


# ------------------------------------------------------------ from stored weights

FROM_STORED = Recipe(
    "x", "unet_squeezenet", STAGES, pretrained=True, start_from="stored"
)


@pytest.fixture
def stored(tmp_path, monkeypatch):
    """Weights of a SqueezeNet U-Net, as the book's recipes start from."""
    torch.manual_seed(3)
    network, path = squeezenet_unet(), tmp_path / "stored.safetensors"
    options = {"architecture": "unet_squeezenet", "size": 64, "about": "a test"}
    save_weights(network, path, **options)
    places = {"stored": path}
    monkeypatch.setattr(following, "stored_weights", places.__getitem__)
    return {name: p.half().float() for name, p in network.named_parameters()}


def test_a_recipe_goes_on_from_stored_weights(stored):
    network = untrained(FROM_STORED)
    state = network.state_dict()
    assert all(torch.equal(x, state[name]) for name, x in stored.items())
    assert not any(p.requires_grad for p in network.encoder.parameters())
    unfrozen = untrained(replace(FROM_STORED, frozen=False))
    assert all(p.requires_grad for p in unfrozen.parameters())


def test_a_classifier_goes_on_from_a_network_that_named_colors(stored):
    network = untrained(replace(FROM_STORED, network="unet_squeezenet_classes"))
    assert type(network) is ColorClassifier
    kept = {n: x for n, x in stored.items() if not n.startswith("color.")}
    assert len(kept) == len(stored) - 2
    state = network.classifier.state_dict()
    assert all(torch.equal(state[name], kept[name]) for name in kept)
    assert not any(p.requires_grad for p in network.encoder.parameters())
    trained = {n for n, p in network.named_parameters() if p.requires_grad}
    assert {n.split(".")[1] for n in trained} == {"bottom", "merges", "color"}


def test_stored_weights_of_another_network_are_refused(stored):
    network = "autoencoder"
    message = f"x trains {network}, .* start from stored, a unet_squeezenet"
    with pytest.raises(ValueError, match=message):
        untrained(replace(FROM_STORED, network=network))


# ------------------------------------------------------------ a share of the start


# ------------------------------------------------------------ probabilities of bins

BINS = gamut_bins()


def tiny_classes():
    return ColorClassifier(Tiny(), BINS.clone(), stride=2)


WEIGHED = replace(RECIPE, network="tiny_classes", loss="rebalanced_classes")


@pytest.fixture
def classes(monkeypatch):
    monkeypatch.setitem(COLORIZERS, "tiny_classes", tiny_classes)


def test_a_new_last_layer_starts_at_the_frequencies_of_colors(
    pictures, tmp_path, monkeypatch, classes
):
    """One that was trained before goes on with what it knows, in a later stage, too."""
    started = []

    def fit(method, images, folder, **options):
        started.append((method.network.last_layer.bias.detach().clone(), images))
        network = {"network": method.network.state_dict()}
        save_checkpoint(network, folder / "best.pt")
        return []

    monkeypatch.setattr(following, "fit", fit)
    follow(pictures, tmp_path / "new", WEIGHED)
    (first, images), (second, _) = started
    network = tiny_classes()
    rebalance(network, images)
    start_at_frequencies(network, images)
    assert first.any()
    assert torch.equal(first, network.last_layer.bias)
    assert torch.equal(second, first), "its own stage's frequencies are not news"

    nn.init.constant_(network.last_layer.bias, 0.25)
    options = {"network": network, "precision": "float32", "show_progress": False}
    train(WEIGHED, pictures, tmp_path / "trained", **options)
    assert (started[2][0] == 0.25).all()


def test_probabilities_of_a_network_that_names_colors_are_refused(pictures, tmp_path):
    with pytest.raises(TypeError, match="Tiny gives no probabilities"):
        follow(pictures, tmp_path, replace(RECIPE, loss="rebalanced_classes"))


# ------------------------------------------------------------ resume


@pytest.mark.parametrize(
    "step",
    [STEPS[0] - 1, STEPS[0] + 2],
    ids=["first stage", "second stage"],
)
def test_stopped_and_resumed(pictures, tmp_path, monkeypatch, undisturbed, step):
    stop_at(monkeypatch, step)
    with pytest.raises(KeyboardInterrupt, match="Run the same again"):
        follow(pictures, tmp_path)
    network, history = follow(pictures, tmp_path)
    assert alike(network, undisturbed[0])
    assert without_clock(history) == without_clock(undisturbed[1])


def test_a_finished_run_is_not_trained_again(pictures, tmp_path, monkeypatch):
    network, history = follow(pictures, tmp_path)
    monkeypatch.setattr(Regression, "step", None)
    again, lines = follow(pictures, tmp_path)
    assert alike(network, again)
    assert lines == history


@pytest.mark.parametrize(
    "change",
    [
        {"name": "tiny-l2", "loss": "l2"},
        {"stages": (STAGES[0], replace(STAGES[1], learning_rate=1e-3))},
    ],
    ids=lambda change: next(iter(change)),
)
def test_another_recipe_does_not_go_on_with_this_run(pictures, tmp_path, change):
    follow(pictures, tmp_path)
    before = (tmp_path / "1-32px" / "last.pt").read_bytes()
    with pytest.raises(
        ValueError,
        match=rf"another recipe, .*recipe.json, .*another {' and '.join(change)}: .*folder",
    ):
        follow(pictures, tmp_path, replace(RECIPE, **change))
    assert (tmp_path / "1-32px" / "last.pt").read_bytes() == before
    follow(pictures, tmp_path)


# ------------------------------------------------------------ the steps of a stage

FLOAT32 = Precision("float32", "cpu")
SMALL = {"widths": (4, 8, 8), "norm": "none", "average": 0.5}
ADVERSARIAL = {
    "pix2pix": (Pix2PixSettings(**SMALL, head_start=3), Pix2Pix),
    "wgan-gp": (
        WGANGPSettings(**SMALL, critic_steps=3, betas=(0.1, 0.8)),
        WassersteinGP,
    ),
}


def rates(learner, steps, schedule):
    """Whether a learner's rate follows the schedule, from 3e-3 to nothing."""
    (group,) = learner.optimizer.param_groups
    followed = []
    for _ in range(steps + 1):
        followed.append(group["lr"])
        learner.optimizer.step()
        learner.scheduler.step()
    expected = [3e-3 * schedule(steps, step) for step in range(steps)] + [0]
    return followed == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(("settings", "kind"), ADVERSARIAL.values(), ids=ADVERSARIAL)
def test_steps_of_an_adversarial_stage(settings, kind, monkeypatch):
    monkeypatch.setattr(learner, "_fastest", lambda kind: "bfloat16")
    network, adversary = Tiny(), settings.adversary()
    network[0].requires_grad_(False)
    stage = Stage(32, 1, 4, learning_rate=3e-3, adversarial=settings)
    method = method_of(stage, network, adversary, 20, loss="l2", weight_decay=0.3)
    assert type(method) is kind
    assert method.settings is settings
    generator, other = method.learners.values()
    assert (generator.network, other.network) == (network, adversary)
    assert method.network is generator.result is not network
    assert other.average is None
    for each in (generator, other):
        (group,) = each.optimizer.param_groups
        assert type(each.optimizer) is torch.optim.Adam
        assert group["betas"] == settings.betas
        assert group["weight_decay"] == 0
        wanted = [p for p in each.network.parameters() if p.requires_grad]
        assert {*map(id, group["params"])} == {*map(id, wanted)}
    assert generator.precision == Precision("bfloat16", "cpu")
    # Slopes of slopes do not fit into bfloat16.
    name = "float32" if kind is WassersteinGP else "bfloat16"
    assert other.precision == Precision(name, "cpu")
    assert settings.generator_updates(20) < 20
    assert rates(generator, settings.generator_updates(20), hold_then_fall)
    assert rates(other, 20, hold_then_fall)


def test_steps_of_a_classification_and_of_no_known_loss():
    network = tiny_classes()
    stage = Stage(32, 1, 4, learning_rate=3e-3)
    method = method_of(stage, network, None, 20, loss="classes", weight_decay=0.3)
    assert type(method) is Classification
    assert method.learner.network is network.classifier
    assert method.learner.optimizer.param_groups[0]["weight_decay"] == 0.3
    assert rates(method.learner, 20, one_cycle)
    known = "l1, l2, classes, rebalanced_classes"
    with pytest.raises(ValueError, match=f"unknown loss 'l3'; known: {known}"):
        method_of(stage, Tiny(), None, 20, loss="l3")


def test_adversarial_stages_go_on_against_the_same_network(
    pictures, tmp_path, monkeypatch
):
    trained, fit = [], following.fit

    def spy(method, *arguments, **more):
        trained.append(method)
        return fit(method, *arguments, **more)

    monkeypatch.setattr(following, "fit", spy)
    alone = replace(STAGES[1], size=32)
    against = replace(alone, adversarial=ADVERSARIAL["pix2pix"][0])
    follow(pictures, tmp_path, replace(RECIPE, stages=(alone, against, against)))
    assert [type(method) for method in trained] == [Regression, Pix2Pix, Pix2Pix]
    first, second = (method.discriminator for method in trained[1:])
    assert first.network is second.network
    assert first.optimizer is not second.optimizer
