"""Commands about the audit trail: to search it, and to see whether it is as it was written."""
