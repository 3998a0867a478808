import torch

from tumorlens.lab.networks.slice_sequence import MOST, SliceSequenceNetwork


def network() -> SliceSequenceNetwork:
    torch.manual_seed(0)
    return SliceSequenceNetwork(6, width=5, hidden=4).eval()


def test_untrained_it_repeats_the_classifier() -> None:
    odds = torch.linspace(-5, 5, 7)
    with torch.inference_mode():
        slices, head = network()(torch.randn(7, 6), odds)
    torch.testing.assert_close(slices, odds)
    assert head.shape == (1,)
    assert head >= odds.max() - 1e-4  # the soft maximum is never below the largest


def test_a_slice_is_moved_by_its_neighbours_and_never_far() -> None:
    made = network()
    torch.nn.init.normal_(made.correction.weight)
    odds = torch.zeros(9)
    embeddings = torch.randn(9, 6)
    other = embeddings.clone()
    other[8] = -other[8]  # a shift of all channels would be normalised away
    with torch.inference_mode():
        before, after = made(embeddings, odds)[0], made(other, odds)[0]
    assert not torch.allclose(before[7], after[7], atol=1e-6)
    torch.nn.init.normal_(made.correction.weight, std=1000)
    with torch.inference_mode():
        far = made(embeddings, odds)[0]
    assert (far.abs() <= MOST + 1e-4).all()
    assert far.abs().max() > MOST - 0.1


def test_the_lines_are_part_of_the_answer() -> None:
    made = network()
    odds = torch.linspace(-5, 5, 7)
    embeddings = torch.randn(7, 6)
    with torch.inference_mode():
        slices, head = made(embeddings, odds)
        made.calibrate((2.0, 1.0), (0.5, -1.0))
        torch.testing.assert_close(made(embeddings, odds)[0], 2 * slices + 1)
        torch.testing.assert_close(made(embeddings, odds)[1], 0.5 * head - 1)
