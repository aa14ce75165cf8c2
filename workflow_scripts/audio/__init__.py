"""Sound: the mel front end and the demo's synthesiser. Only this package imports Essentia."""
