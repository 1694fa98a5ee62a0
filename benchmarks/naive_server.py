"""What one writes in an evening: `model.generate` behind a lock, one request at a time, streamed by a thread."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from threading import Lock, Thread

import torch
import uvicorn
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from transformers import AutoModelForCausalLM, AutoTokenizer, TextIteratorStreamer


def app_of(folder: str) -> FastAPI:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder).eval()
    lock = Lock()
    app = FastAPI()

    @app.get("/v1/models")
    def models() -> dict[str, list[str]]:
        return {"data": [folder]}

    @app.post("/v1/chat/completions")
    def chat(body: dict) -> StreamingResponse:  # type: ignore[type-arg]
        return StreamingResponse(answer(body), media_type="text/event-stream")

    def answer(body: dict) -> Iterator[str]:  # type: ignore[type-arg]
        inputs = tokenizer.apply_chat_template(
            body["messages"], add_generation_prompt=True, return_tensors="pt", return_dict=True
        )
        with lock:
            torch.manual_seed(body["seed"])
            streamer = TextIteratorStreamer(tokenizer, skip_prompt=True)
            how = {"max_new_tokens": body["max_tokens"], "do_sample": True, "temperature": body["temperature"]}
            thread = Thread(target=model.generate, kwargs={**inputs, **how, "streamer": streamer})
            thread.start()
            written = 0
            for text in streamer:
                written += 1  # the streamer yields once a token, with an empty text where a word is not complete
                if text:
                    yield f"data: {json.dumps({'choices': [{'index': 0, 'delta': {'content': text}}]})}\n\n"
            thread.join()
        yield f"data: {json.dumps({'choices': [], 'usage': {'completion_tokens': written}})}\n\n"
        yield "data: [DONE]\n\n"

    return app


if __name__ == "__main__":
    uvicorn.run(app_of(sys.argv[1]), host="127.0.0.1", port=int(sys.argv[2]), log_level="error")
