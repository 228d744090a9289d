"""A campaign file of any kind becomes rows of text: nothing converted, nothing hidden is taken."""
