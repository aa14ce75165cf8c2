"""Which GPU or CPU a training uses."""
