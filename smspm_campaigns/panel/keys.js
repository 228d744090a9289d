// JupyterLab's shortcuts act on whatever has the focus but a text field: without this, `b` on a
// button puts in a cell, `d d` removes the one with the panel, and arrow keys leave a list.

const FOCUSABLE = "a, button, input, select, summary, textarea, [tabindex]";

function render({ el }) {
  el.style.display = "none";
  let panel;
  const keep = () => {
    for (const each of panel?.querySelectorAll(FOCUSABLE) ?? []) {
      each.dataset.lmSuppressShortcuts = "true";
    }
  };
  const observer = new MutationObserver(keep);
  requestAnimationFrame(() => {
    panel = el.closest(".smspm-panel");
    if (panel) {
      observer.observe(panel, { childList: true, subtree: true });
      keep();
    }
  });
  return () => observer.disconnect();
}

export default { render };
