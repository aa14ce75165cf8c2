"""Which class names are refused, and which are not."""

import pandas as pd
import pytest

from workflow_scripts.dataset import class_names
from workflow_scripts.dataset.tracks import check_classes
from workflow_scripts.errors import UserError


@pytest.mark.parametrize(
    ("names", "problem"),
    [
        (["a"], "1 classes"),
        ([f"{n}" for n in range(1001)], "1001 classes"),
        (["a", ""], "blank"),
        (["a", " \t"], "blank"),
        (["a", "\u00a0\u3000"], "blank"),
        (["a", "\u200b\u2060\ufeff"], "blank"),
        (["a", "\u3164"], "blank"),
        (["a", "\u115f\u1160\uffa0"], "blank"),
        (["a", "\u2800"], "blank"),
        (["a", " \u0300"], "blank"),
        (["a", "b\n"], "control character"),
        (["a", "b\x1b[2J"], "control character"),
        (["a", "b\u2028c"], "control character"),
        (["a", "b\udc80"], "control character"),
        (["a", "x" * 256], "256 characters"),
        (["a", "b", "a"], "two classes with the name a"),
        (["\u00e9", "e\u0301"], "two classes"),
    ],
)
def test_names_that_no_model_can_have(names, problem):
    assert problem in class_names.problem(names)


@pytest.mark.parametrize(
    "names",
    [
        ["-", "+1", "@home", "=1+1", "'"],
        ["Cha-Cha-Ch\u00e1", "e\u0301", "\u0645\u06cc\u200c\u062e", "\U0001f483"],
        ["a", "A", "a ", "\u00ad-"],
        ["\ud55c\u3164", "\u2801", "\u0915\u093f", "e\u0300"],
        ["x" * 255, "y"],
        [f"{n}" for n in range(1000)],
    ],
)
def test_names_that_it_can_have(names):
    assert class_names.problem(names) is None


def test_a_data_set_with_such_a_name_is_refused_before_anything_is_computed():
    tracks = pd.DataFrame({"label": ["a"] * 3 + ["\u200b"] * 3})
    with pytest.raises(UserError, match=r"the data set has a class .* blank; change"):
        check_classes(tracks, 3)


def test_a_name_that_breaks_a_line_is_escaped_in_the_message_of_a_single_class():
    tracks = pd.DataFrame({"label": [",\né,"] * 3})
    with pytest.raises(UserError, match=r"has a class ',\\né,' with a control character"):
        check_classes(tracks, 3)
