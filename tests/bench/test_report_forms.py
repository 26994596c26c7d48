"""How a report shows what it says: labels apart, figures with fitting units, aligned Markdown, the page."""

from __future__ import annotations

import pytest

from bench.report import figure_text
from bench.report.document import Figure, Report, Section, Table, Text
from bench.report.html import drawing, html_of
from bench.report.markdown import markdown_of
from bench.report.plots.style import apart


def test_labels_are_kept_apart_and_in_order() -> None:
    assert apart([0.5, 0.1, 0.9], 0.2) == [0.5, 0.1, 0.9]
    assert apart([0.5, 0.5], 0.2) == pytest.approx([0.4, 0.6])
    assert apart([0.55, 0.5, 0.3], 0.2) == pytest.approx([0.65, 0.45, 0.25])


def test_figures_have_three_digits_and_a_unit_that_suits() -> None:
    times = (0.0, 0.00004, 0.0123456, 0.9994, 0.9996, 9.996, 1234.5, None)
    says = ["<0.01 ms", "0.04 ms", "12.3 ms", "999 ms", "1.00 s", "10.0 s", "1,234 s", "-"]
    assert list(map(figure_text.seconds, times)) == says
    assert list(map(figure_text.mib, (99.0, 5343.3, 0))) == ["99.0", "5,343", "-"]
    assert list(map(figure_text.percent, (0.0, 1e-5, 0.004, 8.548))) == ["0", "<0.01 %", "0.40 %", "855 %"]
    assert (figure_text.factor(0.03721, "<"), figure_text.factor(9380.4)) == ("<0.0372", "9,380")
    values = [figure_text.worth(value, "cost") for value in (99_200, 9_615_908_300, None)]
    assert values == ["$0.0992", "$9,615.91", "-"]
    assert figure_text.worth(705_441, "time") == "705,441 s"


def test_markdown_is_aligned_and_the_page_holds_the_plot() -> None:
    svg = '<?xml?>\n<svg width="1pt" xmlns="http://x"><g id="a"/><use xlink:href="#a"/></svg>'
    figure = Figure("dot", 'a "dot"', svg)
    blocks = (Text("`code` & **word**"), Table(("name", "n"), "lr", (("a", "1"), ("longer", "22"))), figure)
    made = Report("Title", (), (Section("Part", blocks),))
    text = markdown_of(made, "plots")
    assert "| name   |   n |\n| ------ | --: |\n| a      |   1 |\n| longer |  22 |\n" in text
    assert '![a "dot"](plots/dot.svg)' in text
    assert "<p><code>code</code> &amp; <strong>word</strong></p>" in html_of(made)
    inline = '<svg role="img" aria-label="a &#34;dot&#34;"><g id="dot-a"/><use href="#dot-a"/></svg>'
    assert drawing(figure) == inline
