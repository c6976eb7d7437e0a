"""What the compiled kernels say without a GPU: registers, the instructions of their executed path, bytes, and the
time that a model makes of them. Used by scripts/kernel_report."""
