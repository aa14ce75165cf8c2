"""Trained models as files to hand over: ONNX, the file that packs several, and their use."""
