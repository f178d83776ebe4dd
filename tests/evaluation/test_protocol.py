"""Protocols: what makes two figures comparable, and what does not."""

import pytest

from jgan.evaluation.protocol import Protocol, differences

ONE = Protocol("inception", "a" * 64, "clean", "mnist, train", "b" * 64, 50_000, 10_000, {"k": 5, "seed": 0})._asdict()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"extractor": "pixels"}, "extractor inception against pixels"),
        ({"digest": "c" * 64}, "digest aaaaaaaa against cccccccc"),
        ({"digest": ""}, "digest aaaaaaaa against none"),
        ({"resizer": "tf1"}, "resizer clean against tf1"),
        ({"real_digest": "d" * 64}, "real_digest bbbbbbbb against dddddddd"),
        ({"n_real": 10_000}, "n_real 50000 against 10000"),
        ({"n_fake": 50_000}, "n_fake 10000 against 50000"),
        ({"options": {"k": 3, "seed": 0}}, "k 5 against 3"),
        ({"options": {"k": 5, "bins": 7}}, "bins unknown against 7"),
    ],
)
def test_whatever_changes_the_meaning_of_a_figure_is_a_difference(change, words):
    assert differences(ONE, ONE | change) == [words]


@pytest.mark.parametrize("change", [{}, {"real": "/elsewhere/mnist"}, {"options": {"k": 5, "seed": 9}}])
def test_names_and_seeds_are_none(change):
    assert differences(ONE, ONE | change) == []


def test_every_field_is_looked_at_but_the_name():
    looked_at = {words.split()[0] for words in differences(ONE, {})}
    assert looked_at == set(Protocol._fields) - {"real", "options"} | {"k"}
