"""Outcomes as pictures."""

import pandas as pd
from matplotlib.patches import Rectangle

from smspm_campaigns.reporting.charts import describe_funnel, funnel


def test_the_funnel_has_a_bar_for_each_step() -> None:
    """The bars are as long as the counts, and carry them as labels."""
    summary = pd.DataFrame({"rows": [1200], "sent": [1000], "delivered": [900]})
    axes = funnel(summary).axes[0]
    bars = [bar for bar in axes.patches if isinstance(bar, Rectangle)]
    assert [bar.get_width() for bar in bars] == [1200, 1000, 900]
    assert [text.get_text() for text in axes.texts] == ["1,200", "1,000", "900"]
    assert describe_funnel(summary) == "Bars: in the file 1,200, accepted 1,000, delivered 900."
