"""Any address that apprise knows: mail, chat, pager. Needs the extra `apprise`."""

import asyncio
from collections.abc import Sequence
from typing import Any

from fmcsa_orchestrator.delivery.channel import ACCEPTED, Verdict
from fmcsa_orchestrator.delivery.notice import Notice
from fmcsa_orchestrator.model.errors import SettingsError


class AppriseChannel:
    """One or several addresses, which are told together: where one of them fails, all are told again."""

    parallel = 1

    def __init__(self, service: Any, timeout_s: float) -> None:
        self._service = service
        self._timeout_s = timeout_s

    async def send(self, notice: Notice) -> Verdict:
        """Send title and text, as plain text."""
        try:
            async with asyncio.timeout(self._timeout_s):
                is_sent = await self._service.async_notify(
                    body=notice.text or notice.title, title=notice.title, body_format="text"
                )
        except TimeoutError:
            return Verdict("apprise has not sent it in time")
        except Exception as error:  # noqa: BLE001  # of any of its hundred services
            return Verdict(f"apprise could not send it: {type(error).__name__}")
        return ACCEPTED if is_sent else Verdict("apprise could not send it; its own log, `apprise`, tells why")


def apprise_service(name: str, addresses: Sequence[str]) -> Any:
    """What sends to these addresses. Blocks for a second when it is first called.

    Raises: SettingsError, naming where they stand, or that apprise is not installed.
    """
    try:
        from apprise import Apprise, AppriseAsset  # noqa: PLC0415  # an extra, and slow to import
    except ImportError:
        raise SettingsError("apprise is not installed: install fmcsa-orchestrator[apprise]") from None
    service = Apprise(asset=AppriseAsset(app_id="fmcsa-orchestrator", app_desc="FMCSA", secure_logging=True))
    if not service.add(list(addresses)):
        raise SettingsError(f"FMCSA_DELIVERY_SECRETS: an address of `{name}` is none that apprise knows")
    return service
