"""Join a Ray cluster, which is an extra: nothing here needs it until somebody asks for `--engine ray`."""

from __future__ import annotations

import importlib
from typing import Any

from tunesmith.core.errors import EnvironmentProblem


def join_ray() -> Any:
    """Return the module `ray`, connected to the cluster that RAY_ADDRESS names, or to one started on this machine.

    Raises:
        EnvironmentProblem: Ray is not installed.
    """
    try:
        ray = importlib.import_module("ray")
    except ImportError as error:
        raise EnvironmentProblem(
            "Ray is not installed", where="--engine ray", remedy="pip install 'tunesmith[ray]', or use --engine local"
        ) from error
    if not ray.is_initialized():
        ray.init(log_to_driver=False, include_dashboard=False)
    return ray
