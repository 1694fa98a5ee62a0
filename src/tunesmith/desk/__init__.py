"""The built-in example: a shop's help desk with a checkable world (DESIGN section 7).

The floor's front door: text for pretraining, demonstrations and prompts, the gold judge, and the simulated labelers.
"""

from __future__ import annotations

from tunesmith.desk.documents import documents
from tunesmith.desk.draws import coverage, demonstrations, examples, prompts
from tunesmith.desk.judge import Verdict, judge
from tunesmith.desk.labelers import Labeler, labelers

__all__ = ["Labeler", "Verdict", "coverage", "demonstrations", "documents", "examples", "judge", "labelers", "prompts"]
