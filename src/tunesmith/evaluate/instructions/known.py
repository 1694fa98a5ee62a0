"""Every instruction type of IFEval by its name in the data file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tunesmith.evaluate.instructions import edges, forms, language, lengths, words

Verifier = Callable[[str, Mapping[str, Any]], bool]

VERIFIERS: Mapping[str, Verifier] = {
    "change_case:capital_word_frequency": words.capital_words,
    "change_case:english_capital": words.all_capitals,
    "change_case:english_lowercase": words.all_lowercase,
    "combination:repeat_prompt": edges.repeats_prompt,
    "combination:two_responses": edges.two_responses,
    "detectable_content:number_placeholders": forms.placeholders,
    "detectable_content:postscript": forms.postscript,
    "detectable_format:constrained_response": forms.constrained_answer,
    "detectable_format:json_format": forms.is_json,
    "detectable_format:multiple_sections": forms.sections,
    "detectable_format:number_bullet_lists": forms.bullets,
    "detectable_format:number_highlighted_sections": forms.highlights,
    "detectable_format:title": forms.title,
    "keywords:existence": words.has_keywords,
    "keywords:forbidden_words": words.no_forbidden_words,
    "keywords:frequency": words.keyword_frequency,
    "keywords:letter_frequency": words.letter_frequency,
    "language:response_language": language.response_language,
    "length_constraints:nth_paragraph_first_word": lengths.first_word_of_paragraph,
    "length_constraints:number_paragraphs": lengths.number_paragraphs,
    "length_constraints:number_sentences": lengths.number_sentences,
    "length_constraints:number_words": lengths.number_words,
    "punctuation:no_comma": words.no_comma,
    "startend:end_checker": edges.ends_with,
    "startend:quotation": edges.quoted,
}
NEED_LANGUAGE = frozenset(
    {"change_case:english_capital", "change_case:english_lowercase", "language:response_language"}
)
