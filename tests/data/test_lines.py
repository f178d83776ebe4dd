"""Lines of text as tokens: read, cut, padded, told apart from images, and turned back."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jgan import GANState, data
from jgan.data import lines, resident
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
    found = data.load("lines:characters:6:cut", file)
    assert of_all(found) == sorted(line[:6] for line in LINES)
    assert [part.x.shape for part in found.parts.values()] == [(4, 6), (1, 6), (1, 6)]
    assert {part.x.dtype.name for part in found.parts.values()} == {"uint8"}
    assert found.truth.entries == tuple(sorted(set("".join(line[:6] for line in LINES))))
    padded = found.train.x[found.truth.decode(found.train.x).index("to be")]
    assert padded[5] == 0
    assert (padded[:5] > 0).all()


def test_the_fields_are_tokens_with_the_size_of_the_vocabulary(file):
    about = data.spec(data.load("lines:characters:32", file), 2)
    assert about.one.x == Field((32,), "tokens", len(set("".join(LINES))) + 1, 0)
    assert (about.mean, about.n_classes) == (None, 0)


def test_a_step_gets_the_tokens_as_they_are(file):
    found = data.load("lines:characters:12:cut", file)
    step = resident.on_resident_data(lambda key, state, batch, axis_name=None: (state, batch), 4, example=found.fields)
    _, batch = jax.jit(step)(jax.random.key(0), GANState(jnp.int32(0), None, None), jax.tree.map(jnp.asarray, found.train))
    assert batch.x.dtype == jnp.int32
    assert sorted(found.truth.decode(batch.x)) == sorted(found.truth.decode(found.train.x))


def test_a_folder_is_its_txt_files_in_the_order_of_their_names(tmp_path):
    (tmp_path / "b.txt").write_text("cd\n" * 3)
    (tmp_path / "a.txt").write_text("ab\n" * 9)
    (tmp_path / "c.md").write_text("xy\n" * 9)
    found = data.load("lines:characters:2", tmp_path)
    assert found.truth.entries == tuple("abcd")
    assert found.truth.decode(found.train.x) == ["ab"] * 7 + ["cd"]  # four of each six train


def test_windows_ends_byte_order_marks_blank_lines_and_other_alphabets_are_read(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes("\ufeffäö\r\n\r\n  \r\nπ 漢\r\n".encode() * 1 + b"x\n" * 6)
    found = data.load("lines:characters:4", path)
    assert of_all(found) == sorted(["äö", "π 漢", *"xxxxxx"])


def test_a_vocabulary_of_more_than_a_byte_is_int32(tmp_path):
    characters = "".join(chr(0x4E00 + place) for place in range(256))
    (tmp_path / "a.txt").write_text("\n".join(characters), encoding="utf-8")
    found = data.load("lines:characters", tmp_path)
    assert found.train.x.dtype == np.int32
    assert found.fields.x.size == 257
    assert "".join(of_all(found)) == characters
    (tmp_path / "a.txt").write_text("\n".join(characters[:255]), encoding="utf-8")
    assert data.load("lines:characters", tmp_path).train.x.dtype == np.uint8


@given(some=st.lists(st.text("abc d", max_size=9), max_size=9), length=st.integers(1, 9))
def test_decoding_inverts_encoding_up_to_the_cut(some, length):
    vocabulary = lines.Vocabulary(tuple(" abcd"), "characters")
    tokens = vocabulary.encode(some, length, cut=True)
    assert tokens.shape == (len(some), length)
    assert vocabulary.decode(tokens) == [line[:length] for line in some]
    words = lines.Vocabulary(tuple("abcd"))
    known = [" ".join(line.replace(" ", "")) for line in some]
    assert words.decode(words.encode(known, 9)) == known


@pytest.mark.parametrize("option", ["", "0", "long", "-3", "min", "min0", "1" * 12])
def test_what_is_no_option_is_told(option, file):
    with pytest.raises(ValueError, match=f"minN or cut after the colons, as in lines:words:20:min2, found '{option}'"):
        data.load(f"lines:{option}", file)
    with pytest.raises(ValueError, match="cut needs the length at which lines are cut"):
        data.load("lines:cut", file)


def test_words_are_what_stands_between_blanks_and_the_longest_line_gives_the_length(file):
    found = data.load("lines", file)
    assert found.truth.entries == tuple(sorted({word for line in LINES for word in line.split()}))
    assert found.fields.x == Field((2,), "tokens", len(found.truth.entries) + 1, 0)
    assert of_all(found) == sorted(LINES)


def test_rare_words_are_one_token(file):
    found = data.load("lines:min2:3", file)
    assert found.truth.entries == ("to", "<unk>")
    assert of_all(found) == sorted(" ".join(w if w == "to" else "<unk>" for w in line.split()) for line in LINES)


def test_a_folder_may_have_its_own_other_lines(tmp_path):
    (tmp_path / "train.txt").write_text("a b\n" * 10)
    (tmp_path / "test.txt").write_text("b a\nb\n")
    (tmp_path / "other.txt").write_text("z\n")
    found = data.load("lines", tmp_path)
    assert found.truth.decode(found.test.x) == ["b a", "b"]
    assert [len(part.x) for part in found.parts.values()] == [8, 2, 2]
    (tmp_path / "valid.txt").write_text("a\n")
    assert [len(part.x) for part in data.load("lines", tmp_path).parts.values()] == [10, 1, 2]


def test_lines_too_long_unknown_words_missing_damaged_and_empty_texts_are_told(tmp_path):
    with pytest.raises(ValueError, match="lines reads a text from a file: give it, or its folder, with --data-dir"):
        data.load("lines")
    with pytest.raises(FileNotFoundError, match=r"expected a .txt file, or a folder that holds some, found none"):
        data.load("lines", tmp_path)
    path = tmp_path / "a.txt"
    path.write_bytes(b"good\nb\xe4d\n")
    with pytest.raises(ValueError, match=r"a.txt: expected text in UTF-8, found a byte at 6 that is not: convert it"):
        data.load("lines", tmp_path)
    for empty in ("", "\n  \n"):
        path.write_text(empty)
        with pytest.raises(ValueError, match=r"a.txt: expected lines of text, found none: give a file that is not empty"):
            data.load("lines", path)
    path.write_text("only\nfive\nlines\nare\nhere\n")
    with pytest.raises(ValueError, match=r"at least 6 examples, to hold out 2 in 6, found 5: give more"):
        data.load("lines", tmp_path)
    path.write_text("one two\n" * 9 + "one two three\n")
    with pytest.raises(ValueError, match=r"a.txt: expected lines of at most 2 words, found 3 in 'one two three': give a gr"):
        data.load("lines:2", path)
    path.rename(tmp_path / "train.txt")
    (tmp_path / "test.txt").write_text("one four\n")
    with pytest.raises(ValueError, match=r"test.txt: expected words of the vocabulary, found 'four' in 'one four': give min2"):
        data.load("lines", tmp_path)
    assert data.load("lines:min2", tmp_path).truth.decode(data.load("lines:min2", tmp_path).test.x) == ["one <unk>"]
