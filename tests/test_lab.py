"""The tools for looking at a notebook in a browser do what they say, with widgets of every kind."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from lab import Notebook, Server, serving, write
from playwright.sync_api import Browser

WIDGETS = '''
import anywidget, traitlets, ipywidgets as widgets
from IPython.display import HTML

class Counter(anywidget.AnyWidget):
    """A button that counts in the page, and tells the kernel."""
    _esm = """export default { render({ model, el }) {
      const button = document.createElement("button");
      const show = () => { button.textContent = `Counted ${model.get("count")}`; };
      button.onclick = () => { model.set("count", model.get("count") + 1); model.save_changes(); };
      model.on("change:count", show);
      show();
      el.append(button);
    } }"""
    count = traitlets.Int(0).tag(sync=True)

name, told = widgets.Text(description="Name"), widgets.HTML()
push, file = widgets.Button(description="Push"), widgets.FileUpload(description="Choose")
counter, exports = Counter(), widgets.Output()

def say(_):
    sizes = [f"{one['name']} of {len(one['content'])} bytes" for one in file.value]
    told.value = f"Name {name.value}, counted {counter.count}, {', '.join(sizes) or 'no file'}."

push.on_click(say)
open("export.csv", "w").write("a,b")
exports.append_display_data(HTML('<a href="export.csv" download>Export</a>'))
widgets.VBox([name, push, counter, file, told, exports])
'''
HOSTILE = '''
widgets.HTML("""<img src=x onerror="alert('alert of a cell')">
<img src="http://stranger.example/x.png">""")
'''


@pytest.fixture(scope="module")
def server(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """JupyterLab in a folder with a space in its name; it is not started without a browser."""
    home = tmp_path_factory.mktemp("home")
    folder = home / "my notebooks"
    folder.mkdir()
    with serving(folder, home / "jupyter") as found:
        yield found


@pytest.fixture
def notebook(browser: Browser, server: Server) -> Iterator[Notebook]:
    """A notebook whose first cell has shown its widgets."""
    write(server.folder / "widgets.ipynb", WIDGETS, HOSTILE)
    with Notebook.open(browser, server, "widgets.ipynb") as found:
        found.run(0)
        found.output(0).get_by_role("button", name="Push").wait_for()
        yield found


def test_widgets_carry_on_through_reload_restart_and_death(
    notebook: Notebook, tmp_path: Path
) -> None:
    """What a person does arrives in the kernel, and what becomes of it is seen in the page."""
    shown = notebook.output(0)
    file = tmp_path / "people.csv"
    file.write_bytes(b"a" * 1000)

    notebook.upload(shown.get_by_role("button", name="Choose"), file)
    shown.get_by_role("button", name="Choose (1)").wait_for()
    shown.get_by_label("Name").fill("Ann")
    shown.get_by_role("button", name="Counted").click()
    shown.get_by_role("button", name="Push").click()
    shown.get_by_text("Name Ann, counted 1, people.csv of 1000 bytes.").wait_for()
    assert notebook.download(shown.get_by_role("link"), tmp_path).read_text() == "a,b"

    notebook.save()
    notebook.reload()
    shown.get_by_role("button", name="Counted 1").click()
    shown.get_by_role("button", name="Push").click()
    shown.get_by_text("Name Ann, counted 2, people.csv of 1000 bytes.").wait_for()

    assert notebook.errors == []

    for end in (notebook.restart_kernel, notebook.kill_kernel):
        end()
        shown.locator(".jupyter-widgets-disconnected").first.wait_for()
        notebook.run(0)
        shown.get_by_role("button", name="Counted 0").wait_for()
        shown.get_by_role("button", name="Push").click()
        shown.get_by_text("Name , counted 0, no file.").wait_for()
    assert (notebook.alerts, notebook.strangers) == ([], [])


def test_what_was_not_saved_is_gone_after_a_reload(notebook: Notebook) -> None:
    """The widgets live on in the kernel, but the page does not know that they were shown."""
    notebook.reload()
    assert notebook.output(0).locator(".jupyter-widgets").count() == 0


def test_alerts_and_strangers_of_a_cell_are_heard(notebook: Notebook) -> None:
    """A cell that opens a dialog, or asks another machine, does not do so unseen."""
    page = notebook.page
    with page.expect_event("dialog"), page.expect_request("http://stranger.example/x.png"):
        notebook.run_all()
    assert notebook.alerts == ["alert of a cell"]
    assert notebook.strangers == ["http://stranger.example/x.png"]


def test_themes_and_sizes_are_seen(notebook: Notebook, tmp_path: Path) -> None:
    """A picture of the notebook is another one in the dark, and as narrow as the window."""
    notebook.run_all()
    pictures = set()
    for dark in (True, False):
        notebook.set_theme(dark=dark)
        for width in (480, 1600):
            notebook.resize(width)
            notebook.screenshot(tmp_path / "picture.png")
            pictures.add((tmp_path / "picture.png").read_bytes())
    assert len(pictures) == 4
