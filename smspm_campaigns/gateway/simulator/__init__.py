"""The SMSPM API, simulated from its documentation alone.

Nothing of smspm_campaigns is imported here, so a misreading of the API cannot cancel itself out.
"""

from typing import TYPE_CHECKING

from smspm_campaigns.gateway.simulator.app import Simulator
from smspm_campaigns.gateway.simulator.callbacks import Callbacks
from smspm_campaigns.gateway.simulator.faults import KINDS, Fault, Script, storm

if TYPE_CHECKING:
    from smspm_campaigns.gateway.simulator.serving import running, serve

__all__ = ["KINDS", "Callbacks", "Fault", "Script", "Simulator", "running", "serve", "storm"]


def __getattr__(name: str) -> object:
    if name in {"running", "serve"}:
        from smspm_campaigns.gateway.simulator import serving  # noqa: PLC0415 - for servers only

        return getattr(serving, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
