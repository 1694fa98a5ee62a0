from __future__ import annotations

import re
import xml.etree.ElementTree as ET

from tunesmith.evaluate.figure import STAND_INS, model_role, new_figure, role, short_label, style_axes, to_svg


def drawn(name):
    figure = new_figure(4, 3)
    axes = figure.subplots()
    style_axes(axes, grid="x")
    axes.plot([0, 1], [0, 1], "o-", color=role("ink"), label="line <&>")
    axes.plot([0, 1], [1, 0], color=model_role("ppo_ptx"))
    axes.legend()
    return to_svg(figure, name=name, label='say "<this>"')


def test_svg_is_well_formed_and_loads_nothing():
    svg = drawn("one")
    root = ET.fromstring(svg)
    assert root.get("aria-label") == 'say "<this>"'
    assert "http" not in svg
    assert "line &lt;&amp;&gt;" in svg


def test_colours_follow_the_page():
    svg = drawn("one")
    assert "var(--ink)" in svg
    assert "var(--model-ppo-ptx)" in svg
    assert not [stand_in for stand_in in STAND_INS.values() if stand_in in svg]


def test_two_figures_share_no_id():
    ids = [set(re.findall(r'\bid="([^"]+)"', drawn(name))) for name in ("one", "two")]
    assert ids[0]
    assert not ids[0] & ids[1]


def test_every_reference_has_its_target():
    svg = drawn("one")
    ids = set(re.findall(r'\bid="([^"]+)"', svg))
    used = set(re.findall(r'href="#([^"]+)"', svg)) | set(re.findall(r"url\(#([^)]+)\)", svg))
    assert used
    assert used <= ids


def test_the_same_figure_gives_the_same_text():
    assert drawn("one") == drawn("one")


def test_unknown_models_share_a_colour():
    assert model_role("mine") == model_role("yours") == role("model-other")


def test_labels_are_short_and_never_formulas():
    assert len(short_label("long " * 50)) <= 32
    figure = new_figure(4, 3)
    figure.subplots().set_title(short_label("$5 and \\frac{ for $6"))
    assert "$5 and \\frac{ for $6" in to_svg(figure, name="x", label="x")
