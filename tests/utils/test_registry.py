"""Registries: what is there, what is not, and the message that helps."""

import pytest

from jgan.utils import registry
from jgan.utils.registry import Registry


def filled():
    table = Registry("loss")
    for name in ("hinge", "wasserstein", "least_squares"):
        table.register(name, name.upper())
    return table


def test_a_registry_is_a_mapping():
    table = filled()
    assert dict(table) == {"hinge": "HINGE", "wasserstein": "WASSERSTEIN", "least_squares": "LEAST_SQUARES"}
    assert list(table) == ["hinge", "wasserstein", "least_squares"]
    assert len(table) == 3
    assert "hinge" in table
    assert "hing" not in table


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("hing", "unknown loss 'hing', did you mean 'hinge'? Known are"),
        ("Hinge", "unknown loss 'Hinge', did you mean 'hinge'? Known are"),
        (
            "least-squares",
            "unknown loss 'least-squares', did you mean 'least_squares'? Known are",
        ),
        ("zzz", "unknown loss 'zzz': known are"),
        (3, "unknown loss 3: known are"),
    ],
)
def test_an_unknown_name_is_an_error_with_the_closest_known_one(name, message):
    with pytest.raises(ValueError) as error:  # noqa: PT011  # the whole message is compared
        filled()[name]
    assert str(error.value) == f"{message} hinge, wasserstein, least_squares"


def test_a_name_is_given_once():
    table = filled()
    assert table.register("hinge", table["hinge"]) == "HINGE"  # a module that is imported again registers the same thing
    with pytest.raises(ValueError, match="a loss named 'hinge' is registered already: choose another name"):
        table.register("hinge", "another")
    assert table["hinge"] == "HINGE"


def test_a_registry_is_filled_once_when_it_is_first_used():
    calls = []

    def fill():
        calls.append(True)
        table.register("found", 1)

    table = Registry("model", fill)
    assert calls == []
    assert "found" in table
    assert list(table) == ["found"]
    assert table["found"] == 1
    assert len(table) == 1
    assert calls == [True]


def test_every_module_of_a_package_is_imported(tmp_path, monkeypatch):
    package = tmp_path / "some_package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    for name in ("b", "a"):
        (package / f"{name}.py").write_text(f"NAME = {name!r}")
    monkeypatch.syspath_prepend(tmp_path)
    import some_package

    assert registry.import_all("some_package", some_package.__path__) == ["a", "b"]
    assert some_package.a.NAME == "a"


def test_a_fill_that_failed_is_tried_again():
    """The second look-up must not find the half-filled registry."""
    broken = [True]

    def fill():
        table.register("first", 1)
        if broken:
            raise ImportError(broken.pop())
        table.register("second", 2)

    table = Registry("model", fill)
    with pytest.raises(ImportError):
        len(table)
    assert list(table) == ["first", "second"]
