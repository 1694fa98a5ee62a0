from __future__ import annotations

from tunesmith.desk import labelers, prompts
from tunesmith.recipes.rank import rankings_of


def test_each_answer_keeps_the_name_of_the_model_that_first_wrote_it() -> None:
    texts = [["Yes.", "No.", "Yes."], ["Yes.", "Yes.", "Yes."], ["", "Yes.", "No."]]
    crew = labelers(heldout=False)
    records = rankings_of(prompts(3, seed=1, split="train"), texts, crew, labels_each=2, models=["x", "y", "z"], seed=0)
    assert [[(c.id, c.text, c.model) for c in record.completions] for record in records] == [
        [("a", "Yes.", "x"), ("b", "No.", "y")],
        [("a", "", "x"), ("b", "Yes.", "y"), ("c", "No.", "z")],
    ]
    # The second prompt had one answer only; the turn of its labelers passes all the same.
    assert [[label.labeler for label in record.rankings] for record in records] == [
        [crew[0].id, crew[1].id],
        [crew[2].id, crew[3].id],
    ]
