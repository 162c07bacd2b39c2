"""The files of one document: made, published where people look, made again, and corrected."""
