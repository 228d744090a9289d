// JupyterLab's shortcuts act on whatever has the focus but a text field: without this, `b` on a
// button puts in a cell, `d d` removes the one with the panel, and arrow keys leave a list.

const FOCUSABLE = "a, button, input, select, summary, textarea, [tabindex]";

function render({ model, el }) {
  el.style.display = "none";
  let panel;
  let told = "";
  const keep = () => {
    for (const each of panel.querySelectorAll(FOCUSABLE)) {
      each.dataset.lmSuppressShortcuts = "true";
    }
    for (const button of panel.querySelectorAll(".smspm-stepper button")) {
      button.toggleAttribute("aria-current", button.classList.contains("mod-info"));
    }
    const error = panel.querySelector(".smspm-notices .error");
    if (error && error.textContent !== told) {
      error.scrollIntoView({ block: "nearest" }); // the button may be far below
    }
    told = error?.textContent ?? "";
  };
  const observer = new MutationObserver(keep);
  requestAnimationFrame(() => {
    panel = el.closest(".smspm-panel");
    if (panel) {
      observer.observe(panel, { childList: true, subtree: true });
      keep();
    }
  });
  // Another step is seen from its beginning, however far down the button was.
  const rise = () => panel?.scrollIntoView({ block: "start" });
  model.on("change:place", rise);
  return () => {
    observer.disconnect();
    model.off("change:place", rise);
  };
}

export default { render };
