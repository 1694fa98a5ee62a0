"""The kernels put to a network's use: decoding steps, fused modules, attention; everything works without them."""
