"""The page in a browser: it sorts, chooses, fits, prints, and is accessible."""

import pytest
from axe_core_python.base import AXE_SCRIPT

from tests.report.browser import SCHEMES, needs_chromium, pages_of_pdf, visit

pytestmark = [pytest.mark.workflow, needs_chromium]

WIDTHS = [1400, 800, 360]
SORT = """
const names = () => [...document.querySelector("#table tbody").rows].map(
  row => row.cells[0].textContent);
const head = title => [...document.querySelectorAll("#table thead button")].find(
  button => button.textContent === title);
const result = {width: innerWidth, overflow: document.documentElement.scrollWidth - innerWidth};
result.initial = names();
head("Parameters").click();
result.ascending = names();
head("Parameters").click();
result.descending = names();
result.sorted = head("Parameters").closest("th").getAttribute("aria-sort");
head("Baseline").click();
result.baseline = names();
result.sound = document.querySelector("audio").src;
return result;
"""
SHOWN = """
const shown = () => [...document.querySelectorAll(".network")].filter(
  network => !network.hidden).map(network => network.querySelector("h3").textContent);
const soon = () => new Promise(resolve => setTimeout(resolve, 300));
"""
CHOOSE = f"""{SHOWN}
const result = {{first: shown()}};
const chooser = document.getElementById("network");
chooser.value = "network-frequency";
chooser.dispatchEvent(new Event("change"));
result.chosen = [...shown(), location.hash];
document.querySelector('#table a[href="#network-blackbox"]').click();
await soon();
result.linked = [...shown(), location.hash, chooser.value];
result.top = document.getElementById("network-blackbox").getBoundingClientRect().top;
document.querySelector('.contents a[href="#costs"]').click();
await soon();
result.kept = shown();
history.back();
await soon();
history.back();
await soon();
result.back = [...shown(), location.hash, chooser.value];
return result;
"""


def test_it_sorts_and_fits(page, tmp_path):
    views = [(width, "") for width in WIDTHS]
    for width, result in zip(WIDTHS, visit(tmp_path, page.html(), SORT, views), strict=True):
        assert result["width"] == width and result["overflow"] <= 0
        assert result["initial"] == ["time", "frequency", "blackbox"], "the best first"
        assert result["ascending"] == ["frequency", "time", "blackbox"]
        assert result["descending"] == ["blackbox", "time", "frequency"]
        assert result["sorted"] == "descending"
        assert result["baseline"] == ["frequency", "blackbox", "time"], "unknown values come last"
        assert result["sound"] == "data:audio/mpeg;base64,AAAA"


def test_the_address_has_the_chosen_network(page, tmp_path):
    (result,) = visit(tmp_path, page.html(), CHOOSE, [(1400, "")])
    assert result["first"] == ["time"], "the most accurate network"
    assert result["chosen"] == ["frequency", "#network-frequency"]
    assert result["linked"] == ["blackbox", "#network-blackbox", "network-blackbox"]
    assert -1 <= result["top"] < 100, "the link leads to the network"
    assert result["kept"] == ["blackbox"], "another section changes nothing"
    assert result["back"] == ["frequency", "#network-frequency", "network-frequency"]


def test_a_page_opens_with_the_network_in_its_address(page, tmp_path):
    expected = {
        "#network-frequency": "frequency",
        "#figure-curves-blackbox": "blackbox",
        "#network": "time",
        "#network-none": "time",
        "#%E0%A4%A": "time",
        '#"><script>alert(1)</script>': "time",
    }
    views = [(1400, fragment) for fragment in expected]
    shown = visit(tmp_path, page.html(), f"{SHOWN} return shown();", views)
    assert shown == [[name] for name in expected.values()]


# Everything is opened, so that it is checked too.
AXE = f"""{AXE_SCRIPT}
for (const hidden of document.querySelectorAll("[hidden]")) hidden.hidden = false;
for (const details of document.querySelectorAll("details")) details.open = true;
await new Promise(resolve => setTimeout(resolve, 300));
const found = await axe.run({{resultTypes: ["violations"]}});
const described = results => results.map(
  rule => [rule.id, rule.nodes.map(node => node.html + node.failureSummary)]);
return {{violations: described(found.violations), passes: found.passes.map(rule => rule.id)}};
"""


@pytest.mark.parametrize("scheme", SCHEMES)
def test_axe_finds_no_violation(page, tmp_path, scheme):
    views = [(1400, ""), (360, "")]
    for result in visit(tmp_path, page.html(), AXE, views, scheme):
        assert result["violations"] == []
        assert {"color-contrast", "select-name", "bypass", "region"} <= {*result["passes"]}


def test_axe_finds_violations(page, tmp_path):
    worse = page.html().replace("--quiet: #5d5a54", "--quiet: #b0aca4").replace("<label", "<i")
    (result,) = visit(tmp_path, worse, AXE, [(1400, "")])
    assert {"color-contrast", "select-name"} <= {rule for rule, _ in result["violations"]}


# The style of paper on a screen as wide as a landscape page: 278 mm at 96 dpi.
PRINT = """
dispatchEvent(new Event("beforeprint"));
const seen = element => element.checkVisibility() && element.getBoundingClientRect().width > 0;
const table = document.querySelector("#table table");
const result = {
  right: table.getBoundingClientRect().right - innerWidth,
  numbers: [...table.tBodies[0].rows].map(
    row => [...row.cells].filter(seen).map(cell => cell.innerText)),
  votes: [...document.querySelectorAll(".votes li")].every(seen),
  networks: [...document.querySelectorAll(".network")].filter(seen).length,
  details: [...document.querySelectorAll("details > :not(summary, .hint)")].every(seen),
  dead: [...document.querySelectorAll("audio, select, .hint, .contents, .skip")].some(seen),
  colours: getComputedStyle(document.querySelector(".votes .correct")).printColorAdjust,
};
dispatchEvent(new Event("afterprint"));
result.open = document.querySelectorAll("details[open]").length;
return result;
"""


def test_paper_has_every_number_and_nothing_dead(page, tmp_path):
    opened = page.html().count("<details open>")
    on_screen = page.html().replace("@media print", "@media screen")
    assert on_screen.count("@media screen {") == 1
    (result,) = visit(tmp_path, on_screen, PRINT, [(1050, "")])
    assert result["right"] <= 0
    for row, shown in zip(page.rows, result["numbers"], strict=True):
        assert {cell["text"] for cell in row["cells"]} <= {*shown}
    assert result["votes"] and result["details"] and result["networks"] == 3
    assert not result["dead"]
    assert result["colours"] == "exact"
    assert result["open"] == opened, "closed again"


def test_a_pdf_of_twelve_networks_is_short(page, tmp_path):
    one = page.networks[0]
    page.networks = [one | {"variant": f"network_{number}"} for number in range(12)]
    page.best = "network_0"
    # Cover, differences and filters of the demo take eight pages.
    assert 3 <= pages_of_pdf(tmp_path, page.html()) <= 7
