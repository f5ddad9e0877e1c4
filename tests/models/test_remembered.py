import copy

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from colorize_lib.models import FusionAutoencoder
from colorize_lib.models.pretrained import Classifier, torchvision_classifier
from colorize_lib.models.remembered import Remembered, fingerprint


class Counting(nn.Module):
    """A small classifier that notes how many pictures it was shown."""

    def __init__(self, outputs=5):
        super().__init__()
        self.conv = nn.Conv2d(1, outputs, 3)
        self.dropout = nn.Dropout(0.5)
        self.seen = 0

    def forward(self, l):
        self.seen += len(l)
        return self.dropout(self.conv(l).relu()).mean((2, 3))


class RowByRow(nn.Module):
    """One whose rounding does not depend on the batch, so that bits can be compared."""

    def forward(self, l):
        return torch.stack([picture.flatten()[:5].sin() for picture in l])


@pytest.fixture
def classifier():
    torch.manual_seed(0)
    return Counting()


def lightness(count, side=16, seed=0):
    random = torch.Generator().manual_seed(seed)
    return torch.rand(count, 1, side, side, generator=random) * 2 - 1


def uncached(classifier, l):
    with torch.no_grad():
        return copy.deepcopy(classifier).eval()(l)


def test_equals_the_classifier_at_first_and_at_second_sight(classifier):
    l = lightness(4)
    expected = uncached(classifier, l)
    remembered = Remembered(classifier)
    assert expected.std(0).min() > 0  # the pictures are told apart
    for _ in range(2):
        torch.testing.assert_close(remembered(l), expected)
    assert classifier.seen == 4


def test_equals_a_real_classifier():
    torch.manual_seed(0)
    classifier = torchvision_classifier("squeezenet1_1", pretrained=False)
    l = lightness(2, side=32)
    expected = uncached(classifier, l)
    remembered = Remembered(classifier)
    remembered(l[:1])
    torch.testing.assert_close(remembered(l), expected)


def test_a_batch_of_partly_known_pictures_asks_for_the_others_alone(classifier):
    l = lightness(5)
    remembered = Remembered(classifier)
    remembered(l[[1, 3]])
    shuffled = l[[4, 3, 0, 1]]
    torch.testing.assert_close(remembered(shuffled), uncached(classifier, shuffled))
    assert classifier.seen == 4


def test_a_picture_twice_in_a_batch_is_seen_once(classifier):
    l = lightness(2)[[0, 1, 0, 0]]
    answers = Remembered(classifier)(l)
    torch.testing.assert_close(answers, uncached(classifier, l))
    assert classifier.seen == 2


def test_the_least_change_makes_another_picture(classifier):
    remembered = Remembered(classifier)
    l = lightness(1)
    changed = l.clone()
    changed[0, 0, 5, 5] = torch.nextafter(l[0, 0, 5, 5], torch.tensor(2.0))
    for other in (l, changed, l.flip(-1), l.reshape(1, 1, 8, 32), l.double().float()):
        remembered(other)
    assert classifier.seen == 4  # the last one is the first again


def test_layout_in_memory_does_not_matter(classifier):
    remembered = Remembered(classifier)
    l = lightness(2)
    remembered(l)
    remembered(l.transpose(2, 3).contiguous().transpose(2, 3))
    remembered(l.contiguous(memory_format=torch.channels_last))
    assert classifier.seen == 2


def test_an_answer_does_not_depend_on_the_company(classifier):
    l = lightness(7)
    alone, together = Remembered(classifier), Remembered(classifier)
    assert torch.equal(torch.cat([alone(x) for x in l.split(1)]), together(l))


def test_nor_on_the_precision_of_who_asked_first(classifier):
    l = lightness(2)
    remembered = Remembered(classifier)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        first = remembered(l)
    assert first.dtype == torch.float32
    assert torch.equal(first, Remembered(classifier)(l))


def test_what_exceeds_the_limit_is_answered_but_not_kept(classifier):
    l = lightness(5)
    remembered = Remembered(classifier, at_most=3)
    for _ in range(2):
        torch.testing.assert_close(remembered(l), uncached(classifier, l))
    assert len(remembered.answers) == 3
    assert classifier.seen == 5 + 2


def test_is_frozen_and_no_part_of_a_checkpoint(classifier):
    remembered = Remembered(classifier).train()
    remembered(lightness(2))
    assert not list(remembered.parameters())
    assert not remembered.state_dict()
    assert not classifier.training  # its dropout would be remembered for ever


def test_its_classifier_moves_along_to_another_type(classifier):
    fusion = FusionAutoencoder(Remembered(classifier), outputs=5).to(torch.float64)
    assert {p.dtype for p in classifier.parameters()} == {torch.float64}
    assert fusion(lightness(1).double()).dtype == torch.float64


def test_what_is_not_one_channel_is_refused(classifier):
    with pytest.raises(ValueError, match=r"\(B, 1, H, W\), not \(2, 3, 16, 16\)"):
        Remembered(classifier)(torch.zeros(2, 3, 16, 16))


# ------------------------------------------------------------ files


def test_file_round_trip(classifier, tmp_path):
    l, path = lightness(6), tmp_path / "new" / "answers.safetensors"
    first = Remembered(classifier)
    first(l)
    first.save(path)
    again = Remembered(copy.deepcopy(classifier))
    again.classifier.network.seen = 0
    again.load(path)
    assert torch.equal(again(l), first(l))
    assert again.classifier.network.seen == 0


def test_a_file_adds_to_what_is_remembered_up_to_the_limit(classifier, tmp_path):
    l, path = lightness(6), tmp_path / "answers"
    first = Remembered(classifier)
    first(l[:3])
    first.save(path)
    other = Remembered(classifier, at_most=5)
    other(l[3:])
    other.load(path)
    assert len(other.answers) == 5


def test_the_file_of_another_classifier_is_refused(classifier, tmp_path):
    path = tmp_path / "answers"
    first = Remembered(classifier)
    first(lightness(2))
    first.save(path)
    other = Remembered(Counting())
    other(lightness(1, seed=1))
    with pytest.raises(ValueError, match=r"answers holds the answers of another class"):
        other.load(path)
    assert len(other.answers) == 1


CHANGES = {
    "a weight": lambda c: c.network.weight.data[0, 0, 0, 0].add_(1e-6),
    "a buffer that weight files leave out": lambda c: c.see.mean.add_(0.01),
    "the size": lambda c: setattr(c, "size", 33),
    "the type": lambda c: c.bfloat16(),
    "a hyperparameter": lambda c: setattr(c.network, "stride", (2, 2)),
}


@pytest.mark.parametrize("change", CHANGES)
def test_fingerprint_changes_with(change):
    torch.manual_seed(0)
    classifier = Classifier(nn.Conv2d(3, 5, 3), 32)
    other = copy.deepcopy(classifier)
    assert fingerprint(other) == fingerprint(classifier)
    CHANGES[change](other)
    assert fingerprint(other) != fingerprint(classifier)


def test_fingerprint_of_a_scalar_buffer():
    fingerprint(nn.BatchNorm2d(3))  # num_batches_tracked has no dimension


@pytest.mark.parametrize("content", [b"", b"no safetensors", b"\x08" + b"\0" * 40])
def test_a_damaged_file_is_refused(classifier, tmp_path, content):
    path = tmp_path / "answers"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"answers does not hold remembered answers"):
        Remembered(classifier).load(path)


def test_a_cut_off_file_is_refused(classifier, tmp_path):
    path = tmp_path / "answers"
    remembered = Remembered(classifier)
    remembered(lightness(3))
    remembered.save(path)
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(ValueError, match="does not hold remembered answers"):
        Remembered(classifier).load(path)


def test_a_safetensors_file_of_something_else_is_refused(classifier, tmp_path):
    from safetensors.torch import save_file

    save_file({"weight": torch.zeros(3)}, tmp_path / "weights")
    with pytest.raises(ValueError, match="does not hold remembered answers"):
        Remembered(classifier).load(tmp_path / "weights")


def test_no_file(classifier, tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        Remembered(classifier).load(tmp_path / "nowhere")
    (tmp_path / "answers").touch()
    with pytest.raises(FileNotFoundError, match=r"did you mean .*answers\?$"):
        Remembered(classifier).load(tmp_path / "answer")


def test_nothing_to_save(classifier, tmp_path):
    with pytest.raises(ValueError, match="nothing is remembered"):
        Remembered(classifier).save(tmp_path / "answers")
    assert not list(tmp_path.iterdir())


# ------------------------------------------------------------ in training


def trained(classifier, forget_before=()):
    """Weights after three epochs over the same pictures, mirrored half of the time."""
    torch.manual_seed(0)
    network = FusionAutoencoder(classifier, outputs=5)
    optimizer = torch.optim.Adam(network.parameters(), 1e-3)
    l, random = lightness(6), torch.Generator().manual_seed(1)
    for epoch in range(3):
        if epoch in forget_before:
            classifier.answers.clear()
        for rows in torch.randperm(6, generator=random).split(2):
            mirrored = torch.rand(2, generator=random) < 0.5
            pairs = zip(l[rows], mirrored, strict=True)
            batch = torch.stack([x.flip(-1) if flip else x for x, flip in pairs])
            loss = F.l1_loss(network(batch), batch.repeat(1, 2, 1, 1) / 2)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return torch.cat([p.detach().flatten() for p in network.parameters()])


def test_training_with_it_gives_the_same_bits():
    assert torch.equal(trained(Remembered(RowByRow())), trained(RowByRow()))


def test_a_resumed_training_that_has_forgotten_gives_the_same_bits(classifier):
    remembered = Remembered(classifier)
    undisturbed = trained(remembered)
    assert classifier.seen <= 12  # two versions of six pictures, in three epochs
    forgetful = trained(Remembered(classifier), forget_before=(1, 2))
    assert torch.equal(forgetful, undisturbed)


def test_other_opinions_give_other_weights(classifier):
    other = Remembered(Counting())
    assert not torch.equal(trained(other), trained(Remembered(classifier)))
