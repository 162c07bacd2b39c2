"""Who may pay: the journal of each document, claims on it, and the answers that were paid for."""
