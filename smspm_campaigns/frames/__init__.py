"""Frame in, frame out: from a campaign file to priced texts, every row judged, none dropped."""
