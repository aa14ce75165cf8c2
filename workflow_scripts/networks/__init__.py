"""Network architectures as data, the training protocol, and the engines that run networks."""
