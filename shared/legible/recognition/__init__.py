"""The paid calls of a document: one call for each page, repeated only where that is safe."""
