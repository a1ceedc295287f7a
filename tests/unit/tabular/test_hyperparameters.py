import pytest

from evergreen.tabular.hyperparameters import HyperParameters


def test_absent_values_take_their_defaults():
    assert HyperParameters.from_config(None) == HyperParameters.from_config({}) == HyperParameters()


def test_values_are_read_as_json_gives_them():
    assert HyperParameters.from_config({"hidden_units": [8, 4]}).hidden_units == (8, 4)


def test_an_unknown_name_is_refused_with_a_near_one():
    with pytest.raises(ValueError, match="'learnin_rate': did you mean 'learning_rate'"):
        HyperParameters.from_config({"learnin_rate": 0.1, "seed": 1})


def test_a_name_like_no_other_is_refused_with_all_of_them():
    with pytest.raises(ValueError, match=r"'zzz': known are hidden_units, dropout, learning_rate"):
        HyperParameters.from_config({"zzz": 1})


@pytest.mark.parametrize(
    "config",
    [{"dropout": 1.0}, {"batch_size": 0}, {"hidden_units": [0]}, {"learning_rate": "fast"}],
)
def test_a_value_out_of_range_is_refused_by_name(config):
    with pytest.raises(ValueError, match=next(iter(config))):
        HyperParameters.from_config(config)
