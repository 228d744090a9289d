"""Frame in, frame out: from a campaign file to texts with prices, every row judged, none dropped."""
