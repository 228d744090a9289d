"""JupyterLab as somebody in front of it uses it: a server of its own, and a notebook in Chromium.

Nothing here waits for a time, only for what can be seen; after `PATIENCE` hope ends.
"""

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread
from typing import Any, Final, Self
from urllib.parse import quote, urlsplit

import nbformat
from playwright.sync_api import Browser, ConsoleMessage, Dialog, Locator, Page, Request

PATIENCE: Final = 120.0  # seconds for anything to happen, on a machine that is busy

_OPTIONS: Final = (
    "--no-browser",
    "--allow-root",
    "--expose-app-in-browser",  # `jupyterapp`, which knows what the kernel is doing
    "--ServerApp.ip=127.0.0.1",
    "--ServerApp.port=0",
    "--LabApp.news_url=None",
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    "--LabApp.extension_manager=readonly",
)
#: Parts of the page and of the server that ask the network, or that nobody here needs.
_UNUSED: Final = (
    "@jupyterlab/apputils-extension:announcements",
    "@jupyterlab/debugger-extension",
    "@jupyterlab/extensionmanager-extension",
    "@jupyterlab/fileeditor-extension:language-server",
    "@jupyterlab/lsp-extension",
    "@jupyterlab/notebook-extension:language-server",
    "@jupyterlab/terminal-extension",
)
_UNUSED_BY_THE_SERVER: Final = ("jupyter_lsp", "jupyter_server_terminals", "notebook_shim")


class Server:
    """A JupyterLab that serves a folder on the loopback, and has nothing of the user's."""

    def __init__(self, folder: Path, home: Path, env: Mapping[str, str], *options: str) -> None:
        self.folder = folder
        self.token = secrets.token_hex()
        self.url = ""
        self._log: list[str] = []
        self._is_told = Event()
        extensions = dict.fromkeys(_UNUSED_BY_THE_SERVER, False)
        for name, settings in {
            "jupyter_server_config.json": {"ServerApp": {"jpserver_extensions": extensions}},
            "labconfig/page_config.json": {"disabledExtensions": dict.fromkeys(_UNUSED, True)},
        }.items():
            path = home / "config" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(settings), encoding="utf-8")
        usual = {name: value for name, value in os.environ.items() if "JUPYTER" not in name}
        ours = {
            "JUPYTER_PREFER_ENV_PATH": "0",  # what is written above goes before what is installed
            "JUPYTER_TOKEN": self.token,
            "JUPYTER_CONFIG_DIR": str(home / "config"),
            "JUPYTER_DATA_DIR": str(home / "data"),
            "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
            "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
            "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
            "IPYTHONDIR": str(home / "ipython"),
        }
        command = [sys.executable, "-m", "jupyterlab", *_OPTIONS, *options]
        self._process = subprocess.Popen(
            [*command, f"--ServerApp.root_dir={folder}"],
            env={**usual, **ours, **env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._reader = Thread(target=self._read)
        self._reader.start()

    def wait_until_up(self) -> None:
        """Wait until the server listens, which is shortly after it has told where."""
        assert self._is_told.wait(PATIENCE), self.log
        assert self.url, self.log
        address = urlsplit(self.url)
        while True:
            with suppress(ConnectionRefusedError):
                socket.create_connection((address.hostname, address.port)).close()
                return
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(0.02)
                raise AssertionError(self.log)

    def _read(self) -> None:
        assert self._process.stderr is not None
        with self._process.stderr as lines:
            for line in lines:
                self._log.append(line)
                if not self.url and " http://127.0.0.1:" in line:
                    self.url = f"http://{urlsplit(line.split()[-1]).netloc}"
                    self._is_told.set()
        self._is_told.set()

    @property
    def log(self) -> str:
        """What the server has told, for a person."""
        return "".join(self._log)

    def kill_kernel(self, kernel_id: str) -> None:
        """Kill the process of a kernel, which learns nothing of it."""
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):  # it has just ended
                if f"kernel-{kernel_id}.json".encode() in (process / "cmdline").read_bytes():
                    os.kill(int(process.name), signal.SIGKILL)
                    return
        raise AssertionError(f"There is no process of the kernel {kernel_id}.")

    def stop(self) -> None:
        """Stop the server, and with it every kernel."""
        self._process.terminate()
        try:
            self._process.wait(PATIENCE)
        finally:
            self._process.kill()
            self._reader.join()


@contextmanager
def serving(
    folder: Path, home: Path, *options: str, env: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """Serve the notebooks of a folder with JupyterLab.

    Args:
        folder: where the notebooks are, and where kernels run.
        home: a folder that is not there yet, for all that Jupyter and IPython keep.
        options: more options of the server.
        env: variables of the server and its kernels.
    """
    server = Server(folder, home, env or {}, *options)
    try:
        server.wait_until_up()
        yield server
    finally:
        server.stop()


def write(path: Path, *cells: str) -> Path:
    """Write a notebook of these cells of code, for the Python of the tests."""
    notebook = nbformat.v4.new_notebook()
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    for number, source in enumerate(cells):
        cell = nbformat.v4.new_code_cell(source, id=f"cell-{number}")
        notebook.cells.append(cell)
    nbformat.write(notebook, path)
    return path


#: What the page is asked; `panel` is the notebook that is open.
_PANEL: Final = "const panel = window.jupyterapp?.shell.currentWidget;"
_KERNEL: Final = f"{_PANEL} const kernel = panel?.sessionContext?.session?.kernel;"


class Notebook:
    """A notebook that is open in JupyterLab, and what happened in its page."""

    def __init__(self, page: Page, server: Server) -> None:
        self.server = server
        self.errors: list[str] = []  #: of the console, and of scripts
        self.alerts: list[str] = []  #: dialogs of the browser that a script opened
        self.strangers: list[str] = []  #: addresses asked for that are not the server's
        self._watch(page)

    def _watch(self, page: Page) -> None:
        self.page = page
        page.set_default_timeout(PATIENCE * 1000)
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("dialog", self._on_dialog)
        page.on("request", self._on_request)

    @classmethod
    @contextmanager
    def open(cls, browser: Browser, server: Server, name: str, **context: Any) -> Iterator[Self]:
        """Open a notebook of the server's folder in a browser that knows nothing of others.

        Args:
            browser: a Chromium.
            server: whose notebook it is.
            name: the path of the notebook, from the server's folder.
            context: options of `Browser.new_context`, such as `reduced_motion`.
        """
        with browser.new_context(**context) as made:
            notebook = cls(made.new_page(), server)
            # a workspace of its own, for the server remembers which notebooks were open in one
            place = f"{server.url}/lab/workspaces/{secrets.token_hex(4)}/tree/{quote(name)}"
            notebook.page.goto(f"{place}?token={server.token}")
            notebook.wait_until_ready()
            yield notebook

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(f"{message.text} ({message.location['url']})")

    def _on_dialog(self, dialog: Dialog) -> None:
        if dialog.type == "beforeunload":  # the document has changes, as in most reloads
            dialog.accept()
        else:
            self.alerts.append(dialog.message)
            dialog.dismiss()

    def _on_request(self, request: Request) -> None:
        url = request.url
        if not url.startswith((f"{self.server.url}/", "data:", "blob:")):
            self.strangers.append(url)

    # --- what the page is asked -----------------------------------------------------------------

    def wait_for(self, condition: str, argument: Any = None) -> Any:
        """Wait until an expression of JavaScript is true; `panel` and `kernel` are at hand."""
        script = f"argument => {{ {_KERNEL} return {condition}; }}"
        return self.page.wait_for_function(script, arg=argument).json_value()

    def wait_until_ready(self) -> None:
        """Wait until the notebook is shown and its kernel answers."""
        self.wait_for("panel?.context?.isReady && kernel?.connectionStatus === 'connected'")
        self.page.evaluate("jupyterapp.shell.collapseLeft()")  # the list of files: it takes room
        self.wait_until_idle()

    def wait_until_idle(self) -> None:
        """Wait until the kernel has done all that it was told, and the page has shown it."""
        self.wait_for(
            "kernel?.status === 'idle' && panel.content.widgets.every("
            "cell => cell.model.type !== 'code' || cell.model.executionState === 'idle')"
        )
        self._do("kernel.requestKernelInfo()")  # it is answered in turn

    def _do(self, expression: str, argument: Any = None) -> Any:
        """Wait for a promise; unlike Playwright's, it ends when hope does."""
        script = f"""([argument, patience]) => {{ {_KERNEL} return Promise.race([
            {expression},
            new Promise((_, reject) => setTimeout(() => reject(new Error('hope ended')), patience)),
        ]).then(() => null); }}"""
        return self.page.evaluate(script, [argument, PATIENCE * 1000])

    def command(self, name: str, **arguments: Any) -> None:
        """Have JupyterLab carry out a command, and wait until it has."""
        self._do("jupyterapp.commands.execute(...argument)", [name, arguments])

    # --- what a person does ---------------------------------------------------------------------

    def menu(self, *entries: str) -> None:
        """Choose from the menu of JupyterLab."""
        bar, *rest = entries
        self.page.locator("#jp-MainMenu").get_by_text(bar, exact=True).click()
        for entry in rest:
            self.page.locator(".lm-Menu-itemLabel").get_by_text(entry, exact=True).click()

    def answer(self, button: str) -> str:
        """Press a button of the dialog that JupyterLab shows, and return what it said."""
        dialog = self.page.locator(".jp-Dialog")
        said = dialog.inner_text()
        dialog.locator("button").get_by_text(button, exact=True).click()
        dialog.wait_for(state="detached")
        return said

    def run_all(self) -> None:
        """Run every cell, and wait for the last."""
        self.command("notebook:run-all-cells")
        self.wait_until_idle()

    def run(self, number: int, *, wait: bool = True) -> None:
        """Run a cell, the first of which is 0."""
        self.page.evaluate(
            f"number => {{ {_KERNEL} panel.content.activeCellIndex = number; }}", number
        )
        self.page.evaluate("void jupyterapp.commands.execute('notebook:run-cell')")
        if wait:
            self.wait_until_idle()

    def output(self, number: int) -> Locator:
        """What a cell has put out."""
        return self.page.locator(".jp-Notebook .jp-Cell").nth(number).locator(".jp-Cell-outputArea")

    def save(self) -> None:
        """Save the notebook, as with Ctrl+S."""
        self.command("docmanager:save")
        self.wait_for("!panel.context.model.dirty")

    def restart_kernel(self) -> None:
        """Restart the kernel from the menu, and say yes."""
        with self._restarting():
            self.menu("Kernel", "Restart Kernel…")
            self.answer("Restart")

    def kill_kernel(self) -> None:
        """Kill the process of the kernel; the server starts another, and the page says so."""
        with self._restarting():
            self.server.kill_kernel(self.wait_for("kernel.id"))
            self.answer("Ok")

    @contextmanager
    def _restarting(self) -> Iterator[None]:
        self.page.evaluate(
            f"""() => {{ {_KERNEL} window.hasRestarted = false;
            kernel.statusChanged.connect((_, status) => {{
                window.hasRestarted ||= status.endsWith('restarting'); }}); }}"""
        )
        yield
        self.wait_for("window.hasRestarted")
        self.wait_until_ready()

    def reload(self) -> None:
        """Reload the page; what of the notebook was not saved is gone."""
        self.page.reload()
        self.wait_until_ready()

    def reopen(self) -> None:
        """Close the tab, and open the same address in another one."""
        context, address = self.page.context, self.page.url
        self.page.close()
        self._watch(context.new_page())
        self.page.goto(address)
        self.wait_until_ready()

    def resize(self, width: int, height: int = 900) -> None:
        self.page.set_viewport_size({"width": width, "height": height})

    def set_theme(self, *, dark: bool) -> None:
        name = f"JupyterLab {'Dark' if dark else 'Light'}"
        self.menu("Settings", "Theme", name)
        self.page.locator(f"body[data-jp-theme-name='{name}']").wait_for(state="attached")

    def upload(self, button: Locator, *files: Path) -> None:
        """Choose files in the dialog that a button opens."""
        with self.page.expect_file_chooser() as chooser:
            button.click()
        chooser.value.set_files(files)

    def download(self, link: Locator, folder: Path) -> Path:
        """Click a link, and return the file that comes of it."""
        with self.page.expect_download() as download:
            link.click()
        path = folder / download.value.suggested_filename
        download.value.save_as(path)
        return path

    def screenshot(self, path: Path) -> None:
        """Take a picture of the notebook, without the rest of JupyterLab."""
        self.page.locator(".jp-Notebook").screenshot(path=path, animations="disabled", caret="hide")
