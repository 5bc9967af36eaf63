"""The same bits on every run of one machine."""

import os

import torch

from vla_ros.models.hardware import set_threads


def make_deterministic(seed: int, threads: int) -> int:
    """Let torch compute the same bits in every process; return how many threads it uses.

    A sum depends on how it is shared out, so the number of threads is fixed. Call it before a
    model is loaded.

    Args:
        seed: of torch's own generator.
        threads: of torch; 0: one for each core of the machine, whatever this process may use.
    """
    # Read when CUDA's matrix library is first used: https://docs.nvidia.com/cuda/cublas, results
    # reproducibility.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.manual_seed(seed)
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = False
    set_threads(threads or os.cpu_count() or 1)
    return torch.get_num_threads()
