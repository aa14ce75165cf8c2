"""The page in Chromium: what a script in it finds, and its PDF."""

import html
import json
import re
import shutil
import subprocess

import pytest

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
needs_chromium = pytest.mark.skipif(
    CHROMIUM is None, reason="needs Chromium: apt-get install chromium"
)
# Blink's numbers.
SCHEMES = {"dark": 0, "light": 1}
ERRORS = """
<script>
const errors = [];
addEventListener("error", event => errors.push(event.message));
</script>
"""
# `act` returns a result or a promise of one, which replaces the document.
ACT = """
<script>
addEventListener("load", async () => {{
  let result;
  try {{ result = await (async () => {{ {act} }})(); }} catch (error) {{ result = String(error); }}
  document.documentElement.textContent = "RESULT" + JSON.stringify([result, errors]) + "END";
}});
</script>
"""
# A window of Chromium is at least 500 pixels wide; a frame can be narrower.
FRAMES = """<!doctype html>
{frames}
<script>
const timer = setInterval(() => {{
  const texts = [...document.querySelectorAll("iframe")].map(
    frame => frame.contentDocument.documentElement.textContent);
  if (!texts.every(text => text.startsWith("RESULT"))) return;
  clearInterval(timer);
  document.body.textContent = texts.join("");
}}, 100);
</script>
"""
FRAME = (
    '<iframe src="page.html{fragment}" style="width: {width}px; height: 800px; border: 0"></iframe>'
)


def chromium(folder, *arguments):
    """Run Chromium headless without a network; return what it prints."""
    command = [
        *(CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"),
        *(f"--user-data-dir={folder / 'profile'}", "--allow-file-access-from-files"),
        # Every request fails, as the page must need none.
        "--proxy-server=127.0.0.1:9",
        *arguments,
    ]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout


def visit(folder, text, act, views, scheme="light"):
    """What the JavaScript `act` returns in each view of the page `text`; no error may occur.

    A view is a width in pixels and the fragment of the address. A window of Chromium is at least
    500 pixels wide; a frame can be narrower.
    """
    page = text.replace("<head>", f"<head>{ERRORS}", 1)
    before, _, after = page.rpartition("</body>")
    (folder / "page.html").write_text(
        f"{before}{ACT.format(act=act)}</body>{after}", encoding="utf-8"
    )
    frames = "\n".join(
        FRAME.format(width=width, fragment=html.escape(fragment)) for width, fragment in views
    )
    (folder / "frames.html").write_text(FRAMES.format(frames=frames))
    shown = chromium(
        folder,
        "--window-size=1600,900",
        f"--blink-settings=preferredColorScheme={SCHEMES[scheme]}",
        *("--virtual-time-budget=20000", "--dump-dom", (folder / "frames.html").as_uri()),
    )
    outcomes = [json.loads(text) for text in re.findall(r"RESULT(.*?)END", html.unescape(shown))]
    assert len(outcomes) == len(views)
    assert [errors for _, errors in outcomes] == [[]] * len(views)
    return [result for result, _ in outcomes]


def pages_of_pdf(folder, text):
    """The number of pages of the PDF of a page."""
    (folder / "print.html").write_text(text, encoding="utf-8")
    pdf = folder / "page.pdf"
    chromium(
        folder,
        *("--virtual-time-budget=5000", "--no-pdf-header-footer", f"--print-to-pdf={pdf}"),
        (folder / "print.html").as_uri(),
    )
    return len(re.findall(rb"/Type /Page\b", pdf.read_bytes()))
