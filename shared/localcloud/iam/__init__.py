"""Identity: the account, its keys, and the signatures made with them."""
