"""Kernels for the CPU, built by the machine's own compiler at first use; everything works without them."""
