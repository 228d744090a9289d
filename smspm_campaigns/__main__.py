"""Run the terminal face: `python -m smspm_campaigns`."""

from smspm_campaigns.cli import main

main()
