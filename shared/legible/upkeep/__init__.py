"""What keeps the promises over time: what was lost is found and repaired, and every upload is accounted for."""
