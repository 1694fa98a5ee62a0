"""Trials on a Ray cluster: each in an actor with its share of cores, which starts the same command as on one machine.

The nodes must share the sweep's folder and the data under the same paths, and have tunesmith installed. An actor or a
node that dies counts as a killed trial and is taken up again elsewhere from the newest checkpoint.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

from tunesmith.core.ray_cluster import join_ray
from tunesmith.sweep.process import LocalChild, Order, Start


class _Host:
    """Lives on a node as an actor and holds one child; the child ends with it."""

    def __init__(self, order: Order, folder: str) -> None:
        os.chdir(folder)
        self._child = LocalChild(order)

    def state(self) -> tuple[int, int | None, int | None]:
        """Return process id, exit code and peak bytes."""
        code = self._child.poll()
        return self._child.pid, code, self._child.peak_bytes

    def send(self, number: int) -> None:
        """Send a signal to the child."""
        self._child.send(number)


class RayChild:
    """A trial on some node."""

    def __init__(self, ray: Any, actor: Any) -> None:
        self._ray, self._actor = ray, actor
        self._asked = actor.state.remote()
        self._code: int | None = None
        self._peak: int | None = None
        self.pid = 0

    def poll(self) -> int | None:
        """See `process.Child`. While the cluster has no room the trial waits and counts as running."""
        if self._code is not None:
            return self._code
        ready, _ = self._ray.wait([self._asked], timeout=0)
        if not ready:
            return None
        try:
            self.pid, self._code, self._peak = self._ray.get(self._asked)
        except self._ray.exceptions.RayActorError:
            self._code = -int(signal.SIGKILL)
        if self._code is None:
            self._asked = self._actor.state.remote()
        else:
            self._ray.kill(self._actor)
        return self._code

    def send(self, number: int) -> None:
        """See `process.Child`."""
        if self._code is None:
            self._actor.send.remote(int(number))

    @property
    def peak_bytes(self) -> int | None:
        """See `process.Child`."""
        return self._peak


def ray_starter(*, cores_each: int, log: Callable[[str], None]) -> Start:
    """Join the cluster that RAY_ADDRESS names, or start one on this machine; return what starts a trial on it.

    Raises:
        EnvironmentProblem: Ray is not installed.
    """
    ray = join_ray()
    log(f"Ray: {len(ray.nodes())} node(s), {ray.cluster_resources().get('CPU', 0):g} cores")
    host = ray.remote(num_cpus=cores_each, max_restarts=0)(_Host)
    folder = os.getcwd()
    return lambda order: RayChild(ray, host.remote(order, folder))
