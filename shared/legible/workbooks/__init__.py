"""Files over many documents: which documents, their records, and the builds that run."""
