"""The chat page as an application takes it: its routes, what of it needs no key, and what is done with each reply."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from tunesmith.context.library import Library
from tunesmith.serve.chat.desk import ChatDesk
from tunesmith.serve.chat.recorder import Recorder
from tunesmith.serve.chat.routes import OPEN_PATHS, build_router
from tunesmith.serve.experiment_model import ExperimentLog
from tunesmith.serve.reply_record import ReplyRecord
from tunesmith.store.database import Database


def chat_page(database: Database, models: Sequence[str], library: Library | None = None) -> dict[str, Any]:
    """Return the keyword arguments of `create_app` that add the page over these models (their names) and pages."""
    desk = ChatDesk(database=database, clock=time.time, models=models, library=library)
    recorder, experiment_log = Recorder(database), ExperimentLog(database)

    def told(record: ReplyRecord) -> None:
        recorder(record)
        experiment_log(record)

    return {
        "routers": [build_router(desk)],
        "open_paths": OPEN_PATHS,
        "on_reply": told,
        "library": library,
    }
