"""Commands that a person runs by hand: label music, pack a model, archive results."""
