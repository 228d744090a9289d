"""What the API tells of an account, for a person who asks."""

from smspm_campaigns.campaign.arguments import check_client
from smspm_campaigns.campaign.watching import answer
from smspm_campaigns.gateway.account import Balance
from smspm_campaigns.gateway.client import Client


def balance(client: Client) -> Balance:
    """Ask for the balance of an account: `amount` in EUR, and whether it `is_stale`.

    Raises:
        GatewayError: the API does not tell, as it need not: the quick start does not know it.

    Example:
        >>> balance(Client.simulated(balance=12.5))
        Balance(amount=Decimal('12.5'), is_stale=False)
    """
    check_client(client)
    return answer(client.stated_balance, call="balance(…)")


def sender_ids(client: Client) -> list[str]:
    """Ask for the Sender IDs that are approved for an account, in the order of the API.

    Raises:
        GatewayError: the API does not tell, as it need not: the quick start does not know it.

    Example:
        >>> sender_ids(Client.simulated(senders=["Shop", "Cafe"]))
        ['Shop', 'Cafe']
    """
    check_client(client)
    return answer(client.sender_ids, call="sender_ids(…)")
