"""A workspace that is searched by words, and by meaning where an embedder is named."""

from __future__ import annotations

import hashlib

from tunesmith.context.library import Library
from tunesmith.context.workspace import Workspace
from tunesmith.core.cache import cache_folder
from tunesmith.core.run_context import RunContext
from tunesmith.desk.weights import shipped_base
from tunesmith.model.embedder import open_embedder
from tunesmith.model.vector_cache import VectorCache
from tunesmith.recipes.evaluate import model_folder


def library_of(workspace: Workspace, embedder: str, context: RunContext) -> Library:
    """Return the workspace as a library. With an embedder all passages are embedded now, or taken from the cache.

    An embedder is named as a model is: a run's or a quickstart's folder stands for the model inside.

    Raises:
        ConfigError: the embedder cannot be opened.
        EnvironmentProblem: the cache cannot be written.
    """
    if not embedder:
        return Library(workspace)
    embed = open_embedder(model_folder(embedder), shipped=shipped_base())
    place = hashlib.sha256(str(workspace.folder.resolve()).encode("utf-8", "surrogatepass")).hexdigest()[:16]
    cache = VectorCache(embed, f"{embed.fingerprint}-{place}", cache_folder("embeddings"))
    library = Library(workspace, embed, cache)
    library.prepare()
    if cache.problem:
        context.log(f"embedder: {cache.problem}")
    context.log(f"embedder {embed.name}: {cache.computed:,} of {len(workspace.passages):,} passages were new to it")
    return library
