"""Lines of text as tokens: read, cut, padded, told apart from images, and turned back."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jgan import GANState, data
from jgan.data import resident, text
from jgan.types import Field

LINES = ["to be", "or not", "to be,", "that is", "the question", "whether"]


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "hamlet.txt"
    path.write_text("\n".join(LINES) + "\n", encoding="utf-8")
    return path


def of_all(found) -> list[str]:
    return sorted(line for part in found.parts.values() for line in found.truth.decode(part.x))


def test_every_line_is_an_example_cut_or_padded(file):
    found = data.load("text:6", file)
    assert of_all(found) == sorted(line[:6] for line in LINES)
    assert [part.x.shape for part in found.parts.values()] == [(4, 6), (1, 6), (1, 6)]
    assert {part.x.dtype.name for part in found.parts.values()} == {"uint8"}
    assert found.truth.characters == "".join(sorted(set("".join(line[:6] for line in LINES))))
    padded = found.train.x[found.truth.decode(found.train.x).index("to be")]
    assert padded[5] == 0
    assert (padded[:5] > 0).all()


def test_the_fields_are_tokens_with_the_size_of_the_vocabulary(file):
    about = data.spec(data.load("text", file), 2)
    assert about.one.x == Field((32,), "tokens", len(set("".join(LINES))) + 1)
    assert (about.mean, about.n_classes) == (None, 0)


def test_a_step_gets_the_tokens_as_they_are(file):
    found = data.load("text:8", file)
    step = resident.on_resident_data(lambda key, state, batch, axis_name=None: (state, batch), 4, example=found.fields)
    _, batch = jax.jit(step)(jax.random.key(0), GANState(jnp.int32(0), None, None), jax.tree.map(jnp.asarray, found.train))
    assert batch.x.dtype == jnp.int32
    assert sorted(found.truth.decode(batch.x)) == sorted(found.truth.decode(found.train.x))


def test_a_folder_is_its_txt_files_in_the_order_of_their_names(tmp_path):
    (tmp_path / "b.txt").write_text("cd\n" * 3)
    (tmp_path / "a.txt").write_text("ab\n" * 9)
    (tmp_path / "c.md").write_text("xy\n" * 9)
    found = data.load("text:2", tmp_path)
    assert found.truth.characters == "abcd"
    assert found.truth.decode(found.train.x) == ["ab"] * 7 + ["cd"]  # four of each six train


def test_windows_ends_byte_order_marks_blank_lines_and_other_alphabets_are_read(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes("\ufeffäö\r\n\r\n  \r\nπ 漢\r\n".encode() * 1 + b"x\n" * 6)
    found = data.load("text:4", path)
    assert of_all(found) == sorted(["äö", "π 漢", *"xxxxxx"])


def test_a_vocabulary_of_more_than_a_byte_is_int32(tmp_path):
    characters = "".join(chr(0x4E00 + place) for place in range(256))
    (tmp_path / "a.txt").write_text("\n".join(characters), encoding="utf-8")
    found = data.load("text:1", tmp_path)
    assert found.train.x.dtype == np.int32
    assert found.fields.x.size == 257
    assert "".join(of_all(found)) == characters
    (tmp_path / "a.txt").write_text("\n".join(characters[:255]), encoding="utf-8")
    assert data.load("text:1", tmp_path).train.x.dtype == np.uint8


@given(lines=st.lists(st.text("abc d", max_size=9), max_size=9), length=st.integers(1, 9))
def test_decoding_inverts_encoding_up_to_the_cut(lines, length):
    vocabulary = text.Vocabulary(" abcd")
    tokens = vocabulary.encode(lines, length)
    assert tokens.shape == (len(lines), length)
    assert vocabulary.decode(tokens) == [line[:length] for line in lines]


@pytest.mark.parametrize("name", ["text:", "text:0", "text:long", "text:-3"])
def test_what_is_no_length_is_told(name, file):
    with pytest.raises(ValueError, match=f"expected a number of characters after the colon, as in text:32, found {name!r}"):
        data.load(name, file)


def test_missing_damaged_and_too_short_texts_are_told(tmp_path):
    with pytest.raises(ValueError, match="text reads lines from a file: give it, or its folder, with --data-dir"):
        data.load("text")
    with pytest.raises(FileNotFoundError, match=r"expected a .txt file, or a folder that holds some, found none"):
        data.load("text", tmp_path)
    (tmp_path / "a.txt").write_bytes(b"good\nb\xe4d\n")
    with pytest.raises(ValueError, match=r"a.txt: expected text in UTF-8, found a byte at 6 that is not: convert it"):
        data.load("text", tmp_path)
    (tmp_path / "a.txt").write_text("only\nfive\nlines\nare\nhere\n")
    with pytest.raises(ValueError, match=r"at least 6 examples of some class, .* found 5 examples of 1 classes"):
        data.load("text", tmp_path)
    with pytest.raises(ValueError, match="expected characters of the vocabulary, found 'z' in 'az'"):
        text.Vocabulary("a").encode(["az"], 2)
