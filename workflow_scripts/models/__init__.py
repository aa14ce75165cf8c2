"""Trained models as files to share: ONNX files, packed files, model cards, and inference."""
