"""Everything a run must remember to continue bit-equal, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from tunesmith.core.errors import CheckpointError
from tunesmith.train import rng
from tunesmith.train.distributed import World
from tunesmith.train.early_stopping import EarlyStopping
from tunesmith.train.ema import ExponentialMovingAverage
from tunesmith.train.engine_config import EngineConfig
from tunesmith.train.objective import StateTree, StepSource
from tunesmith.train.optimizer import build_optimizer, load_optimizer_state, optimizer_state
from tunesmith.train.state_tree import from_bytes, size_bytes, to_bytes
from tunesmith.train.task import TrainingTask
from tunesmith.train.trainable import Trainable


@dataclass(slots=True)
class Progress:
    """Counters. `weighted_steps`: with at least one target; `empty_steps`: in which some kind had none.

    `metrics_offset`: bytes of metrics.jsonl that belong to this state.
    """

    step: int = 0
    tokens: int = 0
    weighted_steps: int = 0
    empty_steps: int = 0
    validated_step: int = -1
    validation: dict[str, float] = field(default_factory=dict)
    metrics_offset: int = 0


class TrainingState:
    """Weights, moments, average, early stopping, counters, and each rank's random numbers and data position."""

    def __init__(self, task: TrainingTask, config: EngineConfig) -> None:
        self.trainable = Trainable(task.modules)
        self.optimizer = build_optimizer(self.trainable, config.optimizer, task.learning_rate_factors)
        decay = config.ema_decay
        self.ema = ExponentialMovingAverage(self.trainable.named, decay) if decay else None
        self.early_stopping = EarlyStopping(config.early_stopping) if config.early_stopping else None
        self.progress = Progress()
        self._source: StepSource = task.source
        self._frozen_hash = ""

    def initialise(self, seed: int, world: World) -> None:
        """Check the initial weights, seed this rank, and give every rank the weights of rank 0.

        Raises:
            NumericalError: an initial weight is NaN or infinite.
        """
        self.trainable.check_finite()
        rng.seed_everything(seed + world.rank)
        world.broadcast(self.trainable.named.values())
        self._frozen_hash = self.trainable.frozen_hash()
        if self.ema:
            self.ema.reset()

    @property
    def best_step(self) -> int | None:
        """The step of the best validation so far."""
        return self.early_stopping.best_step if self.early_stopping else None

    def size(self) -> int:
        """Return the bytes of a checkpoint to come: weights, two moments, average; the rest is small beside them."""
        return size_bytes(dict(self.trainable.named)) * (4 if self.ema else 3)

    def state_dict(self, world: World) -> StateTree:
        """Return the state; its large tensors are the live ones. Every rank must call it."""
        local: StateTree = {"rng": rng.capture(), "source": self._source.state_dict()}
        return {
            "modules": self.trainable.state_dict(),
            "frozen": self._frozen_hash,
            "optimizer": optimizer_state(self.optimizer, self.trainable),
            "ema": self.ema.state_dict() if self.ema else None,
            "early_stopping": self.early_stopping.state_dict() if self.early_stopping else None,
            "progress": asdict(self.progress),
            "ranks": [local] if world.size == 1 else [from_bytes(b) for b in world.gather_bytes(to_bytes(local))],
        }

    def load_state_dict(self, tree: StateTree, world: World) -> list[str]:
        """Continue from a state; return in words what this machine could not take over.

        Raises:
            CheckpointError: another number of ranks, other frozen weights, or other parameter names or shapes.
        """
        if len(tree["ranks"]) != world.size:
            why = f"it was written by {len(tree['ranks'])} ranks, this run has {world.size}"
            raise CheckpointError("does not fit", where="checkpoint", why=why, remedy="use as many ranks as before")
        if tree["frozen"] != self._frozen_hash:
            raise CheckpointError("does not fit", where="checkpoint", why="the frozen weights are others")
        self.load_weights(tree)
        load_optimizer_state(self.optimizer, self.trainable, tree["optimizer"])
        if self.early_stopping:
            self.early_stopping.load_state_dict(_present(tree, "early_stopping"))
        self.progress = Progress(**tree["progress"])
        local = tree["ranks"][world.rank]
        self._source.load_state_dict(local["source"])
        # Last, so that nothing above draws from the restored generators.
        return rng.restore(local["rng"])

    def load_weights(self, tree: StateTree) -> None:
        """Take over weights, buffers and moving average only."""
        self.trainable.load_state_dict(tree["modules"])
        if self.ema:
            self.ema.load_state_dict(_present(tree, "ema"))


def _present(tree: Mapping[str, StateTree | None], name: str) -> StateTree:
    part = tree[name]
    if part is None:
        raise CheckpointError("does not fit", where="checkpoint", why=f"it was written without {name}")
    return part
