"""What calls cost, and who did what."""
