"""An upload becomes a document: found, judged by its first bytes, and split into pages."""
