"""Where the time of scoring goes, other kernels for the same network, other networks, and accuracy against speed."""
