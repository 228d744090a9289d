"""How a part of a page looks, measured: what is cut, hidden, overlaps, or is hard to read."""

from contextlib import suppress
from typing import Any, Final

from playwright.sync_api import Error, Locator

SETTLES: Final = 10.0  # seconds in which a page that was resized or given another theme is at rest
CONTRAST: Final = 4.5  # of a text against what is behind it: WCAG 2.2, 1.4.3, level AA

_FAULTS: Final = """
(root, least) => {
  const faults = [];
  const told = (fault, element, more = "") =>
    faults.push(`${fault}: ${element.tagName} ${element.textContent.trim().slice(0, 60)} ${more}`);
  const all = [...root.querySelectorAll("*")].filter(e => e.checkVisibility());
  const scrolls = e => /auto|scroll/.test(getComputedStyle(e).overflowX);
  const scroller = e => { while (e !== root && !scrolls(e)) e = e.parentElement; return e; };

  // --- colours --------------------------------------------------------------------------------
  const rgba = colour => {
    const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = ([r, g, b, a], below) => [
    ...[r, g, b].map((part, n) => part * a + below[n] * (1 - a)), 1];
  const behind = e => {
    if (!e) return [255, 255, 255, 1];
    const own = rgba(getComputedStyle(e).backgroundColor);
    return own[3] === 1 ? own : over(own, behind(e.parentElement));
  };
  const opacity = e => (e ? getComputedStyle(e).opacity * opacity(e.parentElement) : 1);
  const light = colour => {
    const [r, g, b] = colour.slice(0, 3).map(part => part / 255)
      .map(part => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (one, other) => {
    const [low, high] = [light(one), light(other)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };

  // --- words ----------------------------------------------------------------------------------
  const canvas = document.createElement("canvas").getContext("2d");
  const width = (text, style) => {
    canvas.font = style.font;
    return canvas.measureText(text).width;
  };
  const words = all.filter(e => !e.closest("option, style, [role=img]") && [...e.childNodes].some(
    n => n.nodeType === Node.TEXT_NODE && n.textContent.trim()));
  for (const e of [...words, ...all.filter(e => e.matches("select, input, textarea"))]) {
    const style = getComputedStyle(e);
    if (e.matches(":disabled, :disabled *")) continue;
    const [r, g, b, a] = rgba(style.color);
    const below = behind(e);
    const found = contrast(over([r, g, b, a * opacity(e)], below), below);
    if (found < least) told("hard to read", e, found.toFixed(2));
  }
  for (const e of all.filter(e => e.matches("select, input:not([type=checkbox], [type=radio])"))) {
    const style = getComputedStyle(e);
    const room = e.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
    const text = e.matches("select") ? e.selectedOptions[0]?.text ?? "" : e.value || e.placeholder;
    if (width(text, style) > room + 1) told("cut", e, `${e.ariaLabel ?? ""} ${text}`);
  }
  for (const e of words) {
    const style = getComputedStyle(e);
    if (style.overflowX === "hidden" && e.scrollWidth > e.clientWidth + 1
        && !e.title.includes(e.textContent.trim())) told("cut", e);
  }

  // --- places ---------------------------------------------------------------------------------
  const right = root.getBoundingClientRect().right;
  for (const e of all) {
    if (scroller(e) !== root) continue;
    if (e.getBoundingClientRect().right > right + 1) told("stands out", e);
  }
  if (root.scrollWidth > root.clientWidth + 1) told("has to be moved sideways", root);
  const boxes = words.filter(e => scroller(e) === root).flatMap(e => {
    const range = document.createRange();
    range.selectNodeContents(e);
    return [...range.getClientRects()].map(box => [e, box]);
  });
  boxes.forEach(([e, one], n) => boxes.slice(n + 1).forEach(([f, other]) => {
    if (e.contains(f) || f.contains(e)) return;
    const x = Math.min(one.right, other.right) - Math.max(one.left, other.left);
    const y = Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top);
    if (x > 1 && y > 4) told("overlaps", e, `with ${f.textContent.trim().slice(0, 60)}`);
  }));
  return [...new Set(faults)];
}
"""


def faults(part: Locator) -> list[str]:
    """Say what of a part of a page a person cannot read, once the page has come to rest."""
    found: list[str] = part.evaluate(_FAULTS, CONTRAST)
    if not found:
        return found
    with suppress(Error):
        part.page.wait_for_function(
            f"([part, contrast]) => !({_FAULTS})(part, contrast).length",
            arg=[part.element_handle(), CONTRAST],
            timeout=SETTLES * 1000,
            polling=200,
        )
    again: list[str] = part.evaluate(_FAULTS, CONTRAST)
    return again


def nameless(part: Locator) -> list[dict[str, Any]]:
    """Return the controls without a name, as somebody hears them who does not see the page."""
    session = part.page.context.new_cdp_session(part.page)
    part.evaluate("part => { window.part = part; }")
    found = session.send("Runtime.evaluate", {"expression": "window.part"})["result"]["objectId"]
    session.send("Accessibility.enable")
    nodes = session.send("Accessibility.queryAXTree", {"objectId": found})["nodes"]
    session.detach()
    return [node for node in nodes if _is_focusable(node) and not node["name"]["value"].strip()]


def _is_focusable(node: dict[str, Any]) -> bool:
    return not node["ignored"] and any(
        each["name"] == "focusable" and each["value"]["value"] for each in node["properties"]
    )
