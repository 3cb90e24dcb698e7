"""The names that users' code depends on. A change here changes the contract: say so in the CHANGELOG."""

import inspect

import pytest

import fastportrait


def test_the_public_names_are_exactly_these():
    assert fastportrait.__all__ == ["Segmenter", "composite", "cut", "list_models"]
    assert all(hasattr(fastportrait, name) for name in fastportrait.__all__)
    assert set(fastportrait.__all__) <= set(dir(fastportrait))


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("Segmenter", "(model=None, *, threads=None, engine='auto', subject='all')"),
        ("cut", "(image, background=None)"),
        ("composite", "(image, alpha, background)"),
        ("list_models", "()"),
    ],
)
def test_their_parameters_are_exactly_these(name, parameters):
    signature = inspect.signature(getattr(fastportrait, name))
    plain = [p.replace(annotation=inspect.Parameter.empty) for p in signature.parameters.values()]
    assert str(inspect.Signature(plain)) == parameters


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'Segmentor'"):
        _ = fastportrait.Segmentor
