"""The settings of a variant's training: the shared ones, and its own."""

from tests.conftest import ROOT, shipped_config
from workflow_scripts.workflow import configuration
from workflow_scripts.workflow.training_settings import training_of


def settings(shared, own):
    config = shipped_config()
    config["training"] |= shared
    config["variants"]["time_1x60"]["training"] = own
    configuration.complete(config, ROOT / "config.yaml")
    before = dict(config["training"])
    found = training_of(config, "time_1x60")
    assert config["training"] == before, "the configuration is not changed"
    return found


def test_settings_of_a_variant_replace_the_shared_ones():
    found = settings({"batch_size": 20, "class_weights": "balanced"}, {"max_epochs": 7})
    assert (found["batch_size"], found["max_epochs"]) == (20, 7)
    assert found["class_weights"] == "balanced"
    assert settings({}, {"class_weights": "balanced"})["class_weights"] == "balanced"


def test_without_class_weights_the_settings_are_those_of_older_models():
    for shared, own in (({}, {}), ({"class_weights": "balanced"}, {"class_weights": "none"})):
        assert list(settings(shared, own)) == [
            *("learning_rate", "batch_size", "max_epochs", "dropout"),
            *("patience", "min_learning_rate"),
        ]
