// A text area whose placeholders are put in where the cursor stands.

const PAUSE = 150; // milliseconds without a key before what was typed is told

function render({ model, el }) {
  el.classList.add("smspm-editor");
  const area = document.createElement("textarea");
  area.rows = 5;
  area.id = `smspm-editor-${Math.random().toString(36).slice(2)}`;
  const label = document.createElement("label");
  label.htmlFor = area.id;
  label.textContent = model.get("label");
  const insert = document.createElement("div");
  insert.className = "insert";
  insert.setAttribute("role", "group");
  insert.setAttribute("aria-label", "Put a column into the text");
  el.append(label, area, insert);

  let waiting;
  function tell() {
    clearTimeout(waiting);
    waiting = undefined;
    model.set("value", area.value);
    model.save_changes();
  }
  area.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(tell, PAUSE);
  });
  area.addEventListener("blur", () => waiting && tell());

  function put(placeholder) {
    const from = area.selectionStart;
    area.setRangeText(`{{ ${placeholder} }}`, from, area.selectionEnd, "end");
    area.focus();
    tell();
  }

  function showColumns() {
    insert.replaceChildren(
      ...model.get("columns").map(([name, placeholder]) => {
        const button = document.createElement("button");
        button.type = "button";
        button.textContent = name;
        button.title = `Put {{ ${placeholder} }} in at the cursor`;
        button.addEventListener("click", () => put(placeholder));
        return button;
      }),
    );
  }

  function showValue() {
    if (waiting === undefined && area.value !== model.get("value")) {
      area.value = model.get("value");
    }
  }

  el.dataset.lmSuppressShortcuts = "true"; // JupyterLab's keys are letters here
  model.on("change:columns", showColumns);
  model.on("change:value", showValue);
  showColumns();
  showValue();
  return () => {
    clearTimeout(waiting);
    model.off("change:columns", showColumns);
    model.off("change:value", showValue);
  };
}

export default { render };
