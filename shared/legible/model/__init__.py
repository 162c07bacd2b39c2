"""Values that every room speaks of, and the names under which they are kept in the output bucket."""
