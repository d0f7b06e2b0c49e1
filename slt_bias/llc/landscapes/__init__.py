"""L_n and its gradient for many parameter vectors at once: compiled for stacks of layers, by torch for any module."""
