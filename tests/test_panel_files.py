"""Files that are chosen or uploaded: where they come to lie, and that nothing is overwritten."""

import datetime as dt
import sys
from pathlib import Path
from typing import Any

import pytest
import traitlets

from smspm_campaigns.panel.files import FileChoice
from smspm_campaigns.panel.uploads import files_in, keep_upload


def uploaded(name: str, content: bytes = b"phone\n+491713920012\n") -> dict[str, Any]:
    """An upload as a browser sends it to the kernel, which ipywidgets then reads."""
    last: Any = 1_750_000_000_000
    content_of: Any = memoryview(content)
    return {
        "name": name,
        "type": "text/csv",
        "size": len(content),
        "last_modified": last,
        "content": content_of,
    }


def upload(choice: FileChoice, *files: dict[str, Any]) -> None:
    choice.upload.set_state({"value": list(files)})


# --- keeping ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("people.csv", "people.csv"),
        ("Größe 1.xlsx", "Größe 1.xlsx"),
        ("../../etc/passwd", "passwd"),
        ("/etc/cron.d/x.csv", "x.csv"),
        ("C:\\Users\\Ana\\people.csv", "people.csv"),
        ("..\\..\\people.csv", "people.csv"),
        ("..", "upload"),
        (".", "upload"),
        ("", "upload"),
        ("folder/", "upload"),
        (".bashrc", "bashrc"),
        ("...csv", "csv"),
        ("~$people.xlsx", "$people.xlsx"),
        (" people.csv", "people.csv"),
        ("a\x00b\nc\x1b[2J\u202e.csv", "abc[2J.csv"),
        ("x" * 500 + ".csv", "x" * 56 + ".csv"),
        ("x" * 500 + "." + "y" * 59, "y" * 59),  # cut where it would be hidden
        ("数" * 500 + ".csv", "数" * 56 + ".csv"),  # three bytes each: a disk has room for 255
        ("\N{GRINNING FACE}" * 500 + ".csv", "\N{GRINNING FACE}" * 56 + ".csv"),
    ],
)
def test_an_upload_is_a_plain_file_of_the_folder(desk: Path, name: str, kept: str) -> None:
    """Whatever its name says: it is no path, not hidden, and not too long for a disk."""
    before = set(desk.parent.rglob("*"))
    assert keep_upload(name, b"abc", desk) == kept
    assert set(desk.parent.rglob("*")) - before == {desk / kept}
    assert (desk / kept).read_bytes() == b"abc"


def test_nothing_is_overwritten(desk: Path) -> None:
    """The same bytes are the same file; others of the same name get the next number."""
    names = [
        keep_upload("a.csv", content, desk) for content in (b"1", b"1", b"2", b"2", b"3", b"1")
    ]
    assert names == ["a.csv", "a.csv", "a-2.csv", "a-2.csv", "a-3.csv", "a.csv"]
    assert {path.name: path.read_bytes() for path in desk.iterdir()} == {
        "a.csv": b"1",
        "a-2.csv": b"2",
        "a-3.csv": b"3",
    }


def test_a_folder_or_a_link_of_that_name_is_left_alone(desk: Path) -> None:
    """Neither is the file that was uploaded before."""
    (desk / "a.csv").mkdir()
    assert keep_upload("a.csv", b"1", desk) == "a-2.csv"
    if sys.platform != "win32":
        (desk / "b.csv").symlink_to(desk / "elsewhere")
        assert keep_upload("b.csv", b"1", desk) == "b-2.csv"
        assert not (desk / "elsewhere").exists()


def test_a_folder_that_is_gone_is_an_error(desk: Path) -> None:
    """And no loop through all numbers."""
    with pytest.raises(FileNotFoundError):
        keep_upload("a.csv", b"1", desk / "gone")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a disk that is full is a device there")
def test_half_a_file_does_not_stay(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that is full while it is written leaves nothing that would be read as all of it."""
    opened = Path.open

    def full(path: Path, mode: str) -> Any:
        opened(path, mode).close()
        return opened(Path("/dev/full"), "wb", buffering=0)

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(OSError, match="No space left"):
        keep_upload("a.csv", b"1", desk)
    assert list(desk.iterdir()) == []


def test_files_that_can_be_read_are_listed(desk: Path) -> None:
    """Tables alone: no folders, no hidden files, none that a program has open."""
    for name in ("b.CSV", "a.xlsx", "c.txt", ".d.csv", "~$a.xlsx", "e.py", "f", "g.ods"):
        (desk / name).touch()
    (desk / "h.csv").mkdir()
    assert files_in(desk) == ["a.xlsx", "b.CSV", "c.txt", "g.ods"]


# --- choosing -----------------------------------------------------------------------------------


class Chosen:
    """A choice of files, what it told, and the errors of its callbacks."""

    def __init__(self, *, several: bool = False) -> None:
        self.told: list[tuple[str, ...]] = []
        self.depth = 0
        self.choice = FileChoice(
            "Contacts", self._tell, lambda: None, self._guarded, several=several
        )

    def _tell(self) -> None:
        self.told.append(self.choice.paths)

    def _guarded(self, action: Any) -> Any:
        """Guard as the panel does: a callback in the middle of another one is no click."""

        def callback(*_: Any) -> None:
            if not self.depth:
                self.depth += 1
                action()
                self.depth -= 1

        return callback


def test_what_a_browser_uploads_has_names_and_bytes() -> None:
    """In ipywidgets 8 each file is a dictionary whose keys are attributes, too."""
    choice = Chosen().choice
    choice.upload.unobserve_all("value")
    upload(choice, uploaded("a.csv", b"1"))
    (file,) = choice.upload.value
    assert (file.name, file["name"], bytes(file.content)) == ("a.csv", "a.csv", b"1")
    assert isinstance(file.content, memoryview)
    assert file.last_modified == dt.datetime.fromtimestamp(1_750_000_000, tz=dt.UTC)


def test_an_upload_is_chosen(desk: Path) -> None:
    """It is told once, and the button is ready for the next."""
    chosen = Chosen()
    for name in ("a.csv", "b.csv"):
        upload(chosen.choice, uploaded(name))
    assert chosen.told == [("a.csv",), ("b.csv",)]
    assert chosen.choice.upload.value == ()
    assert [value for _, value in chosen.choice.list.options] == ["", "a.csv", "b.csv"]
    chosen.choice.list.value = ""
    assert chosen.told[-1] == ()


def test_several_uploads_are_chosen_with_what_was(desk: Path) -> None:
    """Lists of people who opted out add up."""
    (desk / "old.csv").touch()
    chosen = Chosen(several=True)
    chosen.choice.list.value = ("old.csv",)
    upload(chosen.choice, uploaded("a.csv", b"1"), uploaded("a.csv", b"2"))
    upload(chosen.choice, uploaded("a.csv", b"1"))
    assert chosen.told == [("old.csv",)] + [("old.csv", "a.csv", "a-2.csv")] * 2


@pytest.mark.parametrize("name", ["people", "people.json", "", "people.csv.bak"])
def test_an_upload_of_any_kind_can_be_chosen(desk: Path, name: str) -> None:
    """Whether it can be read is told by who reads it, as a sentence."""
    chosen = Chosen()
    upload(chosen.choice, uploaded(name))
    upload(chosen.choice, uploaded("b.csv"))
    assert chosen.told == [(name or "upload",), ("b.csv",)]


@pytest.mark.parametrize("several", [False, True])
def test_a_file_that_is_gone_is_no_longer_offered(desk: Path, several: bool) -> None:
    """An upload lists the files anew; what was chosen and is gone is not chosen."""
    (desk / "old.csv").touch()
    chosen = Chosen(several=several)
    chosen.choice.list.value = ("old.csv",) if several else "old.csv"
    (desk / "old.csv").unlink()
    upload(chosen.choice, uploaded("a.csv"))
    assert chosen.told[-1] == ("a.csv",)


def test_a_file_that_is_not_offered_cannot_be_chosen(desk: Path) -> None:
    """A path outside the folder comes from no list."""
    with pytest.raises(traitlets.TraitError):
        Chosen().choice.list.value = "/etc/passwd"
