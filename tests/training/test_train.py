"""A recipe is followed to the letter, and resumed to the last bit."""

import json
from copy import deepcopy
from dataclasses import replace

import pytest
import torch
import torchvision
from torch import nn
from torch.nn import functional as F
from training_helpers import held_elsewhere, is_held, stop_at

from colorize_lib.color import AB_SCALE
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
from colorize_lib.scenes import Palette
from colorize_lib.training import distributed as processes
from colorize_lib.training import precision
from colorize_lib.training import train as following
from colorize_lib.training.checkpoints import load_checkpoint, save_checkpoint
from colorize_lib.training.classification import (
    Classification,
    rebalance,
    start_at_frequencies,
)
from colorize_lib.training.games import Pix2PixGame, WassersteinGame
from colorize_lib.training.loop import TrainingStopped
from colorize_lib.training.pix2pix import Pix2Pix
from colorize_lib.training.precision import Precision
from colorize_lib.training.recipes import RECIPES, Recipe, Stage
from colorize_lib.training.regression import Regression
from colorize_lib.training.schedules import hold_then_fall, one_cycle
from colorize_lib.training.train import (
    CLASSES,
    LOSSES,
    REBALANCED,
    best_so_far,
    blend,
    method_of,
    train,
    untrained,
)
from colorize_lib.weights import load_weights, save_weights


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


def same(one, other):
    one = one.state_dict() if isinstance(one, nn.Module) else one
    other = other.state_dict() if isinstance(other, nn.Module) else other
    return all(torch.equal(one[name], other[name]) for name in one)


def scores_of(history):
    """What does not depend on the clock."""
    clock = ("seconds", "images_per_second")
    return [{k: v for k, v in line.items() if k not in clock} for line in history]


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


def test_every_line_has_its_size_losses_and_scores(undisturbed):
    _, history = undisturbed
    assert [(x["size"], x["epoch"]) for x in history] == [(32, 1), (32, 2), (64, 1)]
    for line in history:
        assert {"loss", "seconds", "psnr", "gray_psnr", "ciede2000"} <= set(line)


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
    assert same(handed_on[1], best["network"])
    assert not same(handed_on[1], last["method"]["network"])
    assert same(network, load_checkpoint(tmp_path / "2-64px" / "best.pt")["network"])


def test_the_network_comes_back_ready_to_color(pictures, tmp_path):
    assert not follow(pictures, tmp_path)[0].training
    assert not follow(pictures, tmp_path)[0].training, "nothing was left to train"


def test_the_seed_decides_and_nothing_else_does(pictures, tmp_path, undisturbed):
    torch.manual_seed(99)
    again, history = follow(pictures, tmp_path / "again")
    assert same(undisturbed[0], again)
    assert scores_of(undisturbed[1]) == scores_of(history)
    other = Recipe("tiny-l1", "tiny", STAGES, loss="l1", seed=1)
    assert not same(again, follow(pictures, tmp_path / "other", other)[0])


# ------------------------------------------------------------ one at a time


def test_the_folder_of_a_run_is_held_for_all_of_its_stages(
    pictures, tmp_path, monkeypatch
):
    held, fit = [], following.fit

    def spy(method, images, home, **more):
        held.append(is_held(tmp_path))
        return fit(method, images, home, **more)

    monkeypatch.setattr(following, "fit", spy)
    follow(pictures, tmp_path)
    assert held == [True, True]
    assert not is_held(tmp_path)


def test_a_folder_in_use_is_left_alone(pictures, tmp_path):
    with held_elsewhere(tmp_path):
        before = sorted(tmp_path.rglob("*"))
        with pytest.raises(BlockingIOError, match=f"is training in {tmp_path}"):
            follow(pictures, tmp_path)
        assert sorted(tmp_path.rglob("*")) == before


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


@pytest.mark.parametrize(
    ("pictures", "together", "expected"),
    [(64, 4, 64), (63, 1, 63), (63, 4, 60), (3, 4, 3)],
)
def test_smaller_batches_can_be_shared_too(monkeypatch, pictures, together, expected):
    """But for fewer pictures than processes: they are refused where they are shared."""
    monkeypatch.setattr(processes, "count", lambda: together)
    stage = following._filling_batches(Stage(32, 1, 64, 1e-3), pictures, False)
    assert stage == Stage(32, 1, expected, 1e-3)


# ------------------------------------------------------------ the best so far


def test_the_best_so_far_is_that_of_the_last_stage_with_an_epoch(
    pictures, tmp_path, monkeypatch, undisturbed
):
    with pytest.raises(ValueError, match=f"no epoch of the run in {tmp_path} is"):
        best_so_far(RECIPE, tmp_path)
    with monkeypatch.context() as patch:
        stop_at(patch, STEPS[0] // 2 + 2)  # in the second epoch of the first stage
        with pytest.raises(TrainingStopped):
            follow(pictures, tmp_path)
    network, history = best_so_far(RECIPE, tmp_path)
    assert not network.training
    assert same(network, load_checkpoint(tmp_path / "1-32px" / "best.pt")["network"])
    assert scores_of(history) == scores_of(undisturbed[1])[:1]
    with pytest.raises(ValueError, match="follows another recipe"):
        best_so_far(replace(RECIPE, seed=1), tmp_path)

    follow(pictures, tmp_path)  # it was not disturbed, and goes on
    network, history = best_so_far(RECIPE, tmp_path)
    assert same(network, undisturbed[0])
    assert scores_of(history) == scores_of(undisturbed[1])


def test_of_the_best_so_far_too_a_share_is_the_start(pictures, tmp_path, monkeypatch):
    start, path = Tiny(), tmp_path / "start.safetensors"
    save_weights(start, path, architecture="tiny", size=64, about="a test")
    monkeypatch.setattr(following, "stored_weights", {"start": path}.__getitem__)
    recipe = replace(RECIPE, start_from="start", kept=0.25)
    finished, _ = follow(pictures, tmp_path, recipe)
    assert same(finished, best_so_far(recipe, tmp_path)[0])


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
    assert same(network, again)
    assert not any(p.requires_grad for p in again.encoder.parameters())


def test_it_is_not_in_the_optimizer(pictures, tmp_path, monkeypatch, backbone):
    trained, fit = [], following.fit

    def spy(method, *arguments, **more):
        for group in method.learner.optimizer.param_groups:
            trained.append({id(p) for p in group["params"]})
        return fit(method, *arguments, **more)

    monkeypatch.setattr(following, "fit", spy)
    network, _ = follow(pictures, tmp_path, ON_A_BACKBONE)
    decoder = {id(p) for n, p in network.named_parameters() if "encoder" not in n}
    assert trained == [decoder, decoder]


def test_an_encoder_that_starts_at_random_learns_too(pictures, tmp_path, backbone):
    recipe = replace(ON_A_BACKBONE, pretrained=False)
    torch.manual_seed(recipe.seed)
    before = untrained(recipe).state_dict()
    network, _ = follow(pictures, tmp_path, recipe)
    still = set(before) - changed(network, before)
    assert still
    assert all("running" in name or "num_batches" in name for name in still)
    assert {n for n in before if n.startswith("encoder") and "running" in n} <= still


def test_the_books_pretrained_recipe_takes_torchvisions_weights(tmp_path):
    recipe = RECIPES["unet-squeezenet"]
    assert recipe.pretrained
    original = torchvision.models.squeezenet1_1()
    before = torch.hub.get_dir()
    try:
        torch.hub.set_dir(str(tmp_path))
        (tmp_path / "checkpoints").mkdir()
        file = tmp_path / "checkpoints" / "squeezenet1_1-b8a52dc0.pth"
        torch.save(original.state_dict(), file)
        network = untrained(recipe)
    finally:
        torch.hub.set_dir(before)
    pairs = zip(
        network.encoder.parameters(), original.features.parameters(), strict=True
    )
    assert all(torch.equal(*pair) for pair in pairs)
    assert not any(p.requires_grad for p in network.encoder.parameters())
    trained = sum(p.numel() for p in network.parameters() if p.requires_grad)
    assert 0 < trained < 7_500_000


def test_a_network_that_is_given_is_the_one_that_is_trained(pictures, tmp_path):
    torch.manual_seed(5)
    mine = Tiny()
    before = deepcopy(mine.state_dict())
    options = {"precision": "float32", "show_progress": False}
    unknown = replace(RECIPE, network="of my own")
    network, _ = train(unknown, pictures, tmp_path, network=mine, **options)
    assert network is mine
    assert not same(mine, before)


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
    assert same(stored, network)
    assert not any(p.requires_grad for p in network.encoder.parameters())
    unfrozen = untrained(replace(FROM_STORED, frozen=False))
    assert all(p.requires_grad for p in unfrozen.parameters())


def test_from_a_stage_that_unfreezes_it_the_encoder_learns(stored, pictures, tmp_path):
    first, second = STAGES
    first = replace(first, epochs=1)
    recipe = replace(FROM_STORED, stages=(first, replace(second, unfreezes=True)))
    network, _ = follow(pictures, tmp_path, recipe)
    start = {n: x for n, x in stored.items() if n.startswith("encoder.")}
    after_first = load_checkpoint(tmp_path / "1-32px" / "best.pt")["network"]
    assert same(start, after_first)
    state = network.state_dict()
    assert not any(torch.equal(x, state[n]) for n, x in start.items())


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


@pytest.mark.parametrize("network", ["unet", "autoencoder", "unet_resnet18"])
def test_stored_weights_of_another_network_are_refused(stored, network):
    message = f"x trains {network}, .* start from stored, a unet_squeezenet"
    with pytest.raises(ValueError, match=message):
        untrained(replace(FROM_STORED, network=network))


# ------------------------------------------------------------ a share of the start


def test_a_share_of_the_start_is_kept(pictures, tmp_path, monkeypatch):
    torch.manual_seed(3)
    start, path = Tiny(), tmp_path / "start.safetensors"
    options = {"architecture": "tiny", "size": 64, "about": "a test"}
    save_weights(start, path, **options)
    monkeypatch.setattr(following, "stored_weights", {"start": path}.__getitem__)
    recipe = replace(RECIPE, start_from="start")
    learned, _ = follow(pictures, tmp_path / "none", recipe)
    kept, _ = follow(pictures, tmp_path / "some", replace(recipe, kept=0.25))
    first, _ = load_weights(path)
    for name, x in kept.state_dict().items():
        ours, theirs = learned.state_dict()[name], first.state_dict()[name]
        expected = ours if "tracked" in name else 0.75 * ours + 0.25 * theirs
        torch.testing.assert_close(x, expected)
    again, _ = follow(pictures, tmp_path / "some", replace(recipe, kept=0.25))
    assert same(kept, again)  # a finished run is blended from its checkpoint


def test_blending_ends_at_both_networks():
    torch.manual_seed(3)
    one, other = Tiny(), Tiny()
    one[1].running_mean.fill_(2)
    before = deepcopy(one.state_dict())
    blend(one, other, 0)
    assert same(before, one)
    blend(one, other, 1)
    assert same(other, one)


@pytest.mark.parametrize("share", [-0.1, 1.5, float("nan")])
def test_a_share_that_is_none_is_refused(share):
    with pytest.raises(ValueError, match=r"must be in \[0, 1\], not"):
        blend(Tiny(), Tiny(), share)


def test_networks_of_other_builds_are_not_blended():
    one = nn.Sequential(nn.Conv2d(1, 2, 3))
    before = deepcopy(one.state_dict())
    for other in (nn.Sequential(nn.Conv2d(1, 4, 3)), Tiny()):
        with pytest.raises(ValueError, match="differ in their build"):
            blend(one, other, 0.5)
    assert same(before, one)


# ------------------------------------------------------------ odds of color bins

BINS = gamut_bins()


def tiny_classes():
    return ColorClassifier(Tiny(), BINS.clone(), stride=2)


WEIGHED = replace(RECIPE, network="tiny_classes", loss=REBALANCED)


@pytest.fixture
def classes(monkeypatch):
    monkeypatch.setitem(COLORIZERS, "tiny_classes", tiny_classes)


@pytest.fixture(scope="module")
def rebalanced(pictures, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(COLORIZERS, "tiny_classes", tiny_classes)
        return follow(pictures, tmp_path_factory.mktemp("rebalanced"), WEIGHED)


def weights_of(images):
    network = tiny_classes()
    rebalance(network, images)
    return network.weights


def test_each_stage_weighs_bins_by_its_own_pictures(
    pictures, tmp_path, monkeypatch, classes
):
    weights, fit = [], following.fit

    def spy(method, images, *arguments, **more):
        assert type(method) is Classification
        weights.append((method.network.weights.clone(), weights_of(images)))
        return fit(method, images, *arguments, **more)

    monkeypatch.setattr(following, "fit", spy)
    network, history = follow(pictures, tmp_path, WEIGHED)
    (first, of_first), (second, of_second) = weights
    assert torch.equal(first, of_first)
    assert torch.equal(second, of_second)
    assert not torch.equal(first, second)
    assert torch.equal(network.weights, second)
    assert not torch.equal(second, torch.ones(261))
    assert {"loss", "ciede2000", "colorfulness"} <= set(history[-1])


def test_without_rebalancing_all_bins_count_alike(
    pictures, tmp_path, classes, rebalanced
):
    network, _ = follow(pictures, tmp_path, replace(WEIGHED, loss=CLASSES))
    assert torch.equal(network.weights, torch.ones(261))
    assert not same(network.classifier, rebalanced[0].classifier)


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


def test_in_a_game_bins_are_not_weighed(pictures, tmp_path, classes):
    game = replace(STAGES[1], game=GAMES["pix2pix"])
    recipe = replace(WEIGHED, stages=(game,))
    network, _ = follow(pictures, tmp_path, recipe)
    assert torch.equal(network.weights, torch.ones(261))


def test_odds_of_a_network_that_names_colors_are_refused(pictures, tmp_path):
    with pytest.raises(TypeError, match="Tiny gives no odds"):
        follow(pictures, tmp_path, replace(RECIPE, loss=REBALANCED))


# ------------------------------------------------------------ resume


@pytest.mark.parametrize(
    "step",
    [3, STEPS[0], STEPS[0] + 2, sum(STEPS)],
    ids=["first stage", "its last batch", "second stage", "last batch"],
)
def test_stopped_and_resumed(pictures, tmp_path, monkeypatch, undisturbed, step):
    stop_at(monkeypatch, step)
    with pytest.raises(TrainingStopped, match="run the same again to go on"):
        follow(pictures, tmp_path)
    network, history = follow(pictures, tmp_path)
    assert same(network, undisturbed[0])
    assert scores_of(history) == scores_of(undisturbed[1])


def test_killed_between_two_stages_and_resumed(
    pictures, tmp_path, monkeypatch, undisturbed
):
    class PowerCut(Exception):
        pass

    def cut(*arguments, **more):
        raise PowerCut

    fit = following.fit
    stages = iter([fit, cut, fit, fit])
    monkeypatch.setattr(following, "fit", lambda *x, **more: next(stages)(*x, **more))
    with pytest.raises(PowerCut):
        follow(pictures, tmp_path)
    torch.manual_seed(99)
    assert same(follow(pictures, tmp_path)[0], undisturbed[0])


@pytest.mark.parametrize("step", [3, STEPS[0] + 2], ids=["first stage", "second stage"])
def test_rebalanced_classes_stopped_and_resumed(
    pictures, tmp_path, monkeypatch, classes, rebalanced, step
):
    stop_at(monkeypatch, step, Classification)
    with pytest.raises(TrainingStopped, match="run the same again to go on"):
        follow(pictures, tmp_path, WEIGHED)
    torch.manual_seed(99)
    network, history = follow(pictures, tmp_path, WEIGHED)
    assert same(network, rebalanced[0])
    assert scores_of(history) == scores_of(rebalanced[1])


def test_a_finished_run_is_not_trained_again(pictures, tmp_path, monkeypatch):
    network, history = follow(pictures, tmp_path)
    monkeypatch.setattr(Regression, "step", None)
    again, lines = follow(pictures, tmp_path)
    assert same(network, again)
    assert lines == history


@pytest.mark.parametrize(
    "change",
    [
        {"name": "tiny-l2", "loss": "l2"},
        {"network": "autoencoder"},
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


def test_a_run_from_before_a_setting_had_a_name_goes_on(
    pictures, tmp_path, monkeypatch
):
    network, _ = follow(pictures, tmp_path)
    path = tmp_path / "recipe.json"
    stored = json.loads(path.read_text())
    assert stored.pop("pretrained") is False
    path.write_text(json.dumps(stored))
    monkeypatch.setattr(Regression, "step", None)
    assert same(follow(pictures, tmp_path)[0], network)
    assert "pretrained" in path.read_text()


def test_a_folder_without_a_checkpoint_is_free_for_another_recipe(pictures, tmp_path):
    with pytest.raises(ValueError, match="unknown loss 'l3'"):
        follow(pictures, tmp_path, replace(RECIPE, loss="l3"))
    follow(pictures, tmp_path)


# ------------------------------------------------------------ the steps of a stage

FLOAT32 = Precision("float32", "cpu")
HALF = Precision("bfloat16", "cpu")
JUDGE = {"widths": (4, 8, 8), "norm": "none"}
GAMES = {
    "pix2pix": Pix2PixGame(**JUDGE, head_start=3),
    "wgan-gp": WassersteinGame(**JUDGE, critic_steps=3, betas=(0.1, 0.8)),
}
each_game = pytest.mark.parametrize("game", GAMES.values(), ids=GAMES.keys())


def stage_of(game=None):
    return Stage(32, epochs=1, batch_size=4, learning_rate=3e-3, game=game)


def partly_frozen():
    network = Tiny()
    network[0].requires_grad_(False)
    return network, {id(p) for p in list(network.parameters())[2:]}


def optimized(learner):
    (group,) = learner.optimizer.param_groups
    return {id(p) for p in group["params"]}


def trained_to_the_end(method, learners, steps):
    """The learning rates of each learner before its steps, and what they end with."""
    rates = {learner: [] for learner in learners}
    for learner in learners:
        descend = learner.update

        def noted(loss, learner=learner, descend=descend):
            rates[learner].append(learner.optimizer.param_groups[0]["lr"])
            return descend(loss)

        learner.update = noted
    torch.manual_seed(0)
    for _ in range(steps):
        method.step(torch.rand(2, 1, 32, 32), torch.rand(2, 2, 32, 32))
    return [
        [*rates[learner], learner.optimizer.param_groups[0]["lr"]]
        for learner in learners
    ]


def falling(schedule, rate, steps):
    return pytest.approx([rate * schedule(steps, step) for step in range(steps)] + [0])


@pytest.mark.parametrize(
    ("options", "loss", "decay"),
    [({}, F.l1_loss, 0.01), ({"loss": "l2", "weight_decay": 0.3}, F.mse_loss, 0.3)],
    ids=["default", "as given"],
)
def test_steps_of_a_regression(options, loss, decay):
    network, free = partly_frozen()
    method = method_of(stage_of(), network, None, 20, precision="float32", **options)
    assert type(method) is Regression
    assert method.network is network
    assert method.loss is loss
    assert type(method.learner.optimizer) is torch.optim.AdamW
    assert method.learner.optimizer.param_groups[0]["weight_decay"] == decay
    assert optimized(method.learner) == free
    (rates,) = trained_to_the_end(method, [method.learner], 20)
    assert rates == falling(one_cycle, 3e-3, 20)


@pytest.mark.parametrize("loss", [CLASSES, REBALANCED])
def test_steps_of_a_classification(loss):
    network = tiny_classes()
    network.classifier[0].requires_grad_(False)
    free = {id(p) for p in list(network.parameters())[2:]}
    options = {"precision": "float32", "loss": loss, "weight_decay": 0.3}
    method = method_of(stage_of(), network, None, 20, **options)
    assert type(method) is Classification
    assert method.network is network
    assert method.learner.network is network.classifier
    assert type(method.learner.optimizer) is torch.optim.AdamW
    assert method.learner.optimizer.param_groups[0]["weight_decay"] == 0.3
    assert optimized(method.learner) == free
    (rates,) = trained_to_the_end(method, [method.learner], 20)
    assert rates == falling(one_cycle, 3e-3, 20)


def test_an_unknown_loss_is_refused():
    known = "l1, l2, classes, rebalanced_classes"
    with pytest.raises(ValueError, match=f"unknown loss 'l3'; known: {known}"):
        method_of(stage_of(), Tiny(), None, 20, loss="l3")


@each_game
def test_steps_of_a_game(game):
    network, free = partly_frozen()
    rival = game.rival()
    rival.layers[0].requires_grad_(False)
    options = {"precision": "float32", "loss": "l2", "weight_decay": 0.3}
    method = method_of(stage_of(game), network, rival, 20, **options)
    players = list(method.players.values())
    assert type(method) is type(game.method(*players))
    assert method.l1_weight == game.l1_weight
    assert [player.network for player in players] == [network, rival]
    assert method.network is network
    judged = {id(p) for p in rival.parameters() if p.requires_grad}
    assert [optimized(player) for player in players] == [free, judged]
    for player in players:
        (group,) = player.optimizer.param_groups
        assert type(player.optimizer) is torch.optim.Adam
        assert group["betas"] == game.betas
        assert group["weight_decay"] == 0
    rates, rivals_rates = trained_to_the_end(method, players, 20)
    assert game.turns(20) < 20
    assert rates == falling(hold_then_fall, 3e-3, game.turns(20))
    assert rivals_rates == falling(hold_then_fall, 3e-3, 20)


@each_game
def test_a_rival_has_its_own_rate_and_a_generator_an_average(game):
    game = replace(game, rival_learning_rate=7e-4, average=0.5)
    network = Tiny()
    method = method_of(stage_of(game), network, game.rival(), 20)
    generator, rival = method.players.values()
    assert generator.optimizer.param_groups[0]["lr"] == 3e-3
    assert rival.optimizer.param_groups[0]["lr"] == 7e-4
    assert rival.average is None
    assert method.network is generator.result is not network


def test_in_which_precision(monkeypatch):
    monkeypatch.setattr(precision, "_fastest", lambda kind: "bfloat16")

    def precisions(game, wanted):
        rival = game and game.rival()
        method = method_of(stage_of(game), Tiny(), rival, 20, precision=wanted)
        learners = method.players.values() if game else [method.learner]
        return [learner.precision for learner in learners]

    assert precisions(None, None) == [HALF]
    assert precisions(GAMES["pix2pix"], None) == [HALF, HALF]
    assert precisions(GAMES["wgan-gp"], None) == [HALF, FLOAT32]
    assert precisions(None, "float32") == [FLOAT32]
    assert precisions(GAMES["pix2pix"], "float32") == [FLOAT32, FLOAT32]


def test_the_rival_is_moved_to_where_they_train():
    game = GAMES["wgan-gp"]
    network = Tiny().to("meta")
    method = method_of(stage_of(game), network, game.rival(), 20, device="meta")
    assert {p.device.type for p in method.critic.network.parameters()} == {"meta"}


@pytest.mark.parametrize("game", [None, *GAMES.values()], ids=["none", *GAMES])
def test_optimizers_are_fresh(game):
    network, rival = Tiny(), game and game.rival()
    both = [method_of(stage_of(game), network, rival, 4) for _ in "ab"]
    trained_to_the_end(both[0], [], 4)
    for learner in both[1].players.values() if game else [both[1].learner]:
        assert not learner.optimizer.state
        assert learner.scheduler.last_epoch == 0


def test_stages_of_a_game_go_on_against_the_same_rival(pictures, tmp_path, monkeypatch):
    played, fit = [], following.fit

    def spy(method, *arguments, **more):
        played.append(method)
        return fit(method, *arguments, **more)

    monkeypatch.setattr(following, "fit", spy)
    alone, game = STAGES[1], replace(STAGES[1], game=GAMES["pix2pix"])
    follow(pictures, tmp_path, replace(RECIPE, stages=(alone, game, game)))
    assert [type(method) for method in played] == [Regression, Pix2Pix, Pix2Pix]
    assert played[1].discriminator.network is played[2].discriminator.network
    assert played[1].discriminator.optimizer is not played[2].discriminator.optimizer


# ------------------------------------------------------------ what a loss makes of it


@pytest.mark.parametrize(("loss", "answer"), [("l2", "mean"), ("l1", "median")])
def test_what_is_learned_where_there_are_several_true_colors(loss, answer):
    """Cars that look alike: 12 of 20 are red, 5 blue, 3 green."""
    law = Palette(
        ("red", "blue", "green"), ((60, 40), (10, -50), (-50, 45)), (0.6, 0.25, 0.15)
    )
    truths = law.modes.repeat_interleave(torch.tensor([12, 5, 3]), dim=0) / AB_SCALE
    network = nn.Sequential(nn.Conv2d(1, 2, 1), nn.Tanh())
    optimizer = torch.optim.Adam(network.parameters(), 3e-2)
    scheduler = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: one_cycle(400, step)
    )
    method = Regression(
        network, optimizer, Precision("float32", "cpu"), LOSSES[loss], scheduler
    )
    l = torch.zeros(20, 1, 1, 1)
    for _ in range(400):
        method.step(l, truths[:, :, None, None])
    learned = AB_SCALE * network(l[:1]).detach().flatten()
    others = {"mean": law.median, "median": law.mean}
    torch.testing.assert_close(learned, getattr(law, answer), rtol=0, atol=0.5)
    assert (learned - others[answer]).norm() > 10
