"""JupyterLab has clicks handled in a thread of their own: none is lost, nor what follows it."""

import asyncio
from threading import Thread

from smspm_campaigns.panel.later import Later
from smspm_campaigns.panel.notices import Notices


def test_a_click_in_another_thread_has_its_turn() -> None:
    """It is carried out after what goes on, and not taken for a part of it."""
    done = []
    notices = Notices(after=lambda: done.append("after"))
    click = Thread(target=notices.guarded(lambda: done.append("click")))

    def look() -> None:
        click.start()
        click.join(0.1)  # it would be long over if it did not wait
        done.append("look")

    notices.attempt(look)
    click.join()
    assert done == ["look", "after", "click", "after"]


def test_what_is_asked_for_in_a_thread_that_ends_is_done() -> None:
    """The thread of the clicks ends with the page; the panel goes on looking."""

    async def main() -> None:
        looked = asyncio.Event()
        later = Later(looked.set)

        async def click() -> None:
            assert later.ask_the_loop(0.05)

        await asyncio.to_thread(asyncio.run, click())
        await looked.wait()

    asyncio.run(asyncio.wait_for(main(), 60))
