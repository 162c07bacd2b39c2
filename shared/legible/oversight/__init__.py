"""What calls cost and who did what: usage, prices, packages, the service's own count; and the audit trail."""
