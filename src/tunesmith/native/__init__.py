"""Kernels in C++, built on the machine that uses them: nothing here is needed, all of it is faster."""
