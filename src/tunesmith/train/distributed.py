"""The ranks of one run: gradients and scalars summed, decisions shared. One rank costs nothing.

Every rank calls the same collectives in the same order; what only one rank knows (a signal, a bad micro-batch, a full
disk) travels through `gather` or `lead`, so that all ranks stop together instead of waiting for each other.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from tunesmith.core.errors import ConfigError, TunesmithError

BUCKET_ELEMENTS = 8_000_000  # 32 MB in fp32: large enough to hide latency, small beside the model


@dataclass(frozen=True, slots=True)
class World:
    """This process's place among the ranks."""

    rank: int = 0
    size: int = 1
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    @property
    def is_lead(self) -> bool:
        """True on the only rank that writes files."""
        return self.rank == 0

    def gather(self, value: Any) -> list[Any]:
        """Return every rank's JSON value, by rank."""
        if self.size == 1:
            return [value]
        return [json.loads(data) for data in self.gather_bytes(json.dumps(value).encode())]

    def gather_bytes(self, data: bytes) -> list[bytes]:
        """Return every rank's bytes, by rank."""
        if self.size == 1:
            return [data]
        length = torch.tensor([len(data)], device=self.device)
        lengths = [torch.zeros_like(length) for _ in range(self.size)]
        dist.all_gather(lengths, length)
        longest = max(int(n) for n in lengths)
        padded = torch.zeros(longest, dtype=torch.uint8)
        padded[: len(data)] = torch.frombuffer(bytearray(data), dtype=torch.uint8)
        parts = [torch.zeros(longest, dtype=torch.uint8, device=self.device) for _ in range(self.size)]
        dist.all_gather(parts, padded.to(self.device))
        return [part[: int(n)].cpu().numpy().tobytes() for part, n in zip(parts, lengths, strict=True)]

    def sum_scalars(self, values: Mapping[str, float]) -> dict[str, float]:
        """Return the sums over ranks, in fp64 and rank order; a name that some ranks lack counts 0 there."""
        sums: dict[str, float] = {}
        for mapping in self.gather(dict(values)):
            for name, value in mapping.items():
                sums[name] = sums.get(name, 0.0) + value
        return sums

    def all_reduce_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Sum gradients over ranks, in flat buckets. One that no rank has stays None, as it would on one rank."""
        if self.size == 1:
            return
        every = list(parameters)
        present = torch.tensor([p.grad is not None for p in every], dtype=torch.int32, device=self.device)
        dist.all_reduce(present)
        used = [p for p, count in zip(every, present.tolist(), strict=True) if count]
        for bucket in _buckets(used):
            flat = torch.cat([(torch.zeros_like(p) if p.grad is None else p.grad).reshape(-1) for p in bucket])
            dist.all_reduce(flat)
            for p, piece in zip(bucket, torch.split(flat, [p.numel() for p in bucket]), strict=True):
                p.grad = piece.view_as(p).clone()

    def broadcast(self, tensors: Iterable[Tensor]) -> None:
        """Overwrite tensors on every rank by rank 0's."""
        if self.size > 1:
            for tensor in tensors:
                dist.broadcast(tensor.data, src=0)

    def lead(self, action: Callable[[], str | None]) -> str:
        """Run `action` on rank 0; return its result, or "", on every rank. Its TunesmithError becomes everyone's."""
        if self.size == 1:
            return action() or ""
        error: TunesmithError | None = None
        answer: dict[str, Any] = {}
        if self.is_lead:
            try:
                answer = {"result": action() or ""}
            except TunesmithError as raised:
                error, answer = raised, {"error": str(raised), "code": raised.exit_code}
        shared = self.gather(answer)[0]
        if error is not None:
            raise error
        if "error" in shared:
            failure = TunesmithError(shared["error"], where="rank 0")
            failure.exit_code = shared["code"]
            raise failure
        return str(shared["result"])

    def close(self) -> None:
        """Leave the process group."""
        if self.size > 1:
            dist.destroy_process_group()


def _buckets(parameters: Sequence[nn.Parameter]) -> list[list[nn.Parameter]]:
    """Neighbours of one dtype, up to BUCKET_ELEMENTS together."""
    buckets: list[list[nn.Parameter]] = []
    room, dtype = 0, None
    for p in parameters:
        if p.dtype != dtype or p.numel() > room:
            buckets.append([])
            room, dtype = BUCKET_ELEMENTS, p.dtype
        buckets[-1].append(p)
        room -= p.numel()
    return buckets


def join_world(environment: Mapping[str, str], *, use_cuda: bool | None = None) -> World:
    """Return this process's World from torchrun's variables; without them a world of one.

    `use_cuda`: NCCL with one GPU per local rank, or gloo on the CPU; None: whether CUDA is present.

    Raises:
        ConfigError: the variables are incomplete or not numbers.
    """
    cuda = torch.cuda.is_available() if use_cuda is None else use_cuda
    if environment.get("WORLD_SIZE", "1") == "1":
        return World(device=torch.device("cuda", 0) if cuda else torch.device("cpu"))
    try:
        rank, size, local = (int(environment[name]) for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK"))
        address, port = environment["MASTER_ADDR"], int(environment["MASTER_PORT"])
    except (KeyError, ValueError) as error:
        raise ConfigError(f"torchrun's variables are incomplete: {error}", remedy="start with torchrun") from error
    device = torch.device("cpu")
    if cuda:
        device = torch.device("cuda", local)
        torch.cuda.set_device(device)
    # torchrun's agent keeps the store itself and says so; another launcher leaves that to rank 0.
    serves = rank == 0 and environment.get("TORCHELASTIC_USE_AGENT_STORE") != "True"
    store = dist.TCPStore(address, port, size, is_master=serves)  # type: ignore[attr-defined]
    shared = dist.PrefixStore(environment.get("TORCHELASTIC_RESTART_COUNT", "0"), store)  # type: ignore[attr-defined]
    dist.init_process_group("nccl" if cuda else "gloo", store=shared, rank=rank, world_size=size)
    return World(rank, size, device)
