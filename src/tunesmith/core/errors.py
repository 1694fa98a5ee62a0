"""Every error a user can meet, in one tree.

* TunesmithError            exit 1: something failed while running
  * ConfigError             exit 2: a wrong option, key, value or file name
  * NotYetError             exit 2: a verb that a later version brings
  * DataError               exit 3: a row, file or data set that cannot be used
  * PartialError            exit 4: some of the work was done, the rest is named
  * EnvironmentProblem      exit 5: disk, memory, package or hardware is not sufficient
    * CheckpointError       exit 5: no valid checkpoint where one is needed
  * NumericalError          exit 1: NaN or infinity in weights, loss or gradients

Each says what happened, where (`file:line:field` or a config path), why, and what to do next.
"""

from __future__ import annotations


class TunesmithError(Exception):
    """A failure with a place and a remedy; the command line prints it in one line and exits with `exit_code`."""

    exit_code: int = 1

    def __init__(self, what: str, *, where: str = "", why: str = "", remedy: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.why = why
        self.remedy = remedy

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        if self.why:
            text += f" ({self.why})"
        if self.remedy:
            text += f". {self.remedy[:1].upper()}{self.remedy[1:]}"
        return text


class ConfigError(TunesmithError):
    """A wrong option, configuration key, value or file name."""

    exit_code = 2


class NotYetError(TunesmithError):
    """A verb of the command-line contract that this version does not have."""

    exit_code = 2


class DataError(TunesmithError):
    """A row, file or data set that cannot be used."""

    exit_code = 3


class PartialError(TunesmithError):
    """Part of the work was done; what was not is named."""

    exit_code = 4


class EnvironmentProblem(TunesmithError):
    """Disk, memory, package or hardware is not sufficient."""

    exit_code = 5


class CheckpointError(EnvironmentProblem):
    """Checkpoints exist but none is valid, or one does not fit this run."""


class NumericalError(TunesmithError):
    """NaN or infinity in weights, loss or gradients."""
