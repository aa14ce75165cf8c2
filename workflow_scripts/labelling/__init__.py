"""New music through trained models: what they decide and how it is told.

NumPy, Essentia and onnxruntime are all that this may import.
"""
