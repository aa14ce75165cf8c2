"""The networks as data, the training protocol, and the engines that run them."""
